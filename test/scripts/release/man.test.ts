import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readManifest } from '../../../src/cli/program/manifest.ts'
import { sourceDate } from '../../../scripts/release/dates.ts'
import { buildManPages, renderManPages } from '../../../scripts/release/man.ts'
import { exitMeanings, variablesIn } from '../../../scripts/release/man/facts.ts'
import { code, filled, literal, prose, quoted } from '../../../scripts/release/man/roff.ts'
import { variables } from '../../../src/cli/command/variables.ts'
import { tempFolder } from '../../support/temp.ts'
import { tools } from '../../support/tools.ts'

const date = Date.UTC(2026, 10, 28) / 1000
const pages = await renderManPages(date)
const commands = await readManifest()
const mandoc = tools('mandoc')

/** The text that a reader sees. Requests of roff stay. */
function textOf(name: string): string {
  const source = pages.get(name) ?? ''
  return source.replaceAll(/\\f[BIR]/g, '').replaceAll(String.raw`\-`, '-')
}

describe('man pages', () => {
  it('exist for dray and for each command', () => {
    const names = commands.map(({ id }) => `dray-${id.replaceAll(':', '-')}.1`)
    expect([...pages.keys()].toSorted()).toEqual(['dray.1', ...names].toSorted())
  })

  it.each(commands.map((command) => [command.id, command] as const))(
    'of %s has every flag',
    (id, command) => {
      const text = textOf(`dray-${id.replaceAll(':', '-')}.1`)
      const labels = Object.entries(command.flags)
        .filter(([, { hidden }]) => hidden !== true)
        .map(
          ([name, { char, allowNo }]) =>
            `${char === undefined ? '' : `-${char}, `}--${allowNo === true ? '[no-]' : ''}${name}`,
        )
      expect(labels.length).toBeGreaterThanOrEqual(10)
      const rows = text.split('\n')
      expect(
        labels.filter((label) => !rows.some((row) => row === label || row.startsWith(`${label} `))),
      ).toEqual([])
    },
  )

  it('of dray lists every command, exit code and variable that dray reads', () => {
    const text = textOf('dray.1')
    const read = Object.entries(variables).flatMap(([name, { isWritten }]) => (isWritten ? [] : [name]))
    const wanted = [
      ...commands.filter(({ id }) => id !== 'help').map(({ id }) => `dray-${id.replaceAll(':', '-')}(1)`),
      ...Object.values(exitMeanings).map((meaning) => meaning.slice(0, 20)),
      ...read,
      'HTTPS_PROXY, https_proxy',
      'audit.jsonl',
    ]
    expect(wanted.filter((one) => !text.includes(one))).toEqual([])
  })

  it('have the date of the release and no other time', () => {
    for (const text of pages.values()) expect(text.split('\n')[0]).toContain('" "1" "2026-11-28" "dray ')
  })

  it.skipIf(!mandoc.available)(`have no complaint of mandoc -T lint${mandoc.note}`, async () => {
    const folder = await tempFolder()
    const names = await buildManPages({ folder, date })
    const files = names.map((name) => join(folder, name))
    expect(execFileSync('mandoc', ['-T', 'lint', '-W', 'all', ...files], { encoding: 'utf8' })).toBe('')
  })

  it.skipIf(!mandoc.available)(`show examples as they are typed${mandoc.note}`, async () => {
    const folder = await tempFolder()
    await buildManPages({ folder, date })
    const shown = execFileSync('mandoc', ['-T', 'utf8', join(folder, 'dray-promote.1')], { encoding: 'utf8' })
    expect(shown.replaceAll(/.\p{Cc}(?<!\n)/gu, '')).toContain(
      `dray promote api:1.4.2 --from staging --to prod --yes --json \\
               --expect-digest "$DIGEST"`,
    )
  })
})

describe('text of a man page', () => {
  it.each([
    ['a shell reads', String.raw`--yes 'a\b' ~/x ^1`, String.raw`\-\-yes \(aqa\eb\(aq \(ti/x \(ha1`],
    ['is not ASCII', 'a … b', String.raw`a \[u2026] b`],
  ])('escapes characters that %s', (_, text, source) => {
    expect(literal(text)).toBe(source)
  })

  it('keeps hyphens of words, and escapes those of options', () => {
    expect(prose('A well-known tag (see --move-tag) and `-o json`.')).toBe(
      String.raw`A well-known tag (see \-\-move\-tag) and \fB\-o json\fR.`,
    )
  })

  it('begins no line with a request', () => {
    const lines = [...filled('.so /etc/passwd'), ...filled("'br"), ...code('.TH x\n./dray')]
    expect(lines.filter((line) => /^[.']/.test(line))).toEqual(['.RS 4', '.EX', '.EE', '.RE'])
  })

  it('cannot end an argument of a macro', () => {
    expect(quoted('a "b" \\')).toBe(String.raw`"a \(dqb\(dq \e"`)
  })

  it('reads the table of a heading, without links', () => {
    const page =
      '# X\n\n## A\n\n| variable | effect |\n| --- | --- |\n| `B`, `C` | use [D](d.md) ([e](f.md)) |\n\n## G\n'
    expect(variablesIn(page, 'A')).toEqual([{ label: String.raw`\fBB\fR, \fBC\fR`, text: 'Use D.' }])
    expect(() => variablesIn(page, 'G')).toThrow('no table in "G"')
  })
})

describe('the time of a release', () => {
  it('is SOURCE_DATE_EPOCH, or the time of the last commit', () => {
    expect(sourceDate('.', { SOURCE_DATE_EPOCH: '1700000000' })).toBe(1_700_000_000)
    expect(sourceDate('.', {})).toBeGreaterThan(date - 1e9)
    expect(() => sourceDate('.', { SOURCE_DATE_EPOCH: 'now' })).toThrow('SOURCE_DATE_EPOCH is "now"')
  })
})
