import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { editFile } from '../../../src/deployments/edit/edit-file.ts'
import { openFile } from '../../../src/deployments/edit/open-file.ts'
import type { ValueChange } from '../../../src/deployments/edit/value-place.ts'

const folder = join(import.meta.dirname, '..', '..', 'corpus', 'deployments')
const ending = '.changes.json'
const all = readdirSync(folder)

function read(name: string): Buffer {
  return readFileSync(join(folder, name))
}

/** The files with changes of their own: the file before, after, and the changes. */
const shapes = all
  .filter((name) => name.endsWith(ending))
  .map((name) => {
    const stem = name.slice(0, -ending.length)
    const file = all.find((one) => one.startsWith(`${stem}.`) && one !== name && !one.includes('.expected.'))
    return { stem, file: file ?? '', changes: JSON.parse(read(name).toString()) as readonly ValueChange[] }
  })

/** The lines of a file that are not in the other one, in the order of the file. */
function linesWithout(text: string, other: string): readonly string[] {
  const others = new Set(other.split(/\r?\n/))
  return text.split(/\r?\n/).filter((line) => !others.has(line))
}

it('the corpus has at least 30 file shapes of structure and formatting', () => {
  expect(shapes.length).toBeGreaterThanOrEqual(30)
})

describe('the file shape', () => {
  it.each(shapes)('$file changes as expected and in no other byte', ({ stem, file, changes }) => {
    const bytes = read(file)
    const expected = read(file.replace(stem, `${stem}.expected`))
    const { bytes: after, edits } = editFile({ name: file, bytes }, changes)
    expect(Buffer.from(after).toString()).toBe(expected.toString())
    expect(Buffer.from(after).equals(expected)).toBe(true)
    const changed = linesWithout(expected.toString(), bytes.toString())
    expect(changed.every((line) => edits.some((edit) => line.includes(edit.after)))).toBe(true)
    expect(editFile({ name: file, bytes: after }, changes).edits).toEqual([])
  })

  it.each(shapes)('$file reads the new values back at all their positions', ({ stem, file, changes }) => {
    const opened = openFile({ name: file, bytes: read(file.replace(stem, `${stem}.expected`)) })
    for (const change of changes.filter(({ kind }) => kind === 'set'))
      expect(opened.find(change.kind === 'set' ? change.place : change.sibling)).toMatchObject({
        kind: 'text',
        text: change.value,
      })
  })
})
