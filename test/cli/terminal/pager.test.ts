import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import {
  findPager,
  isLongerThanScreen,
  type PagedOutput,
  printPaged,
} from '../../../src/cli/terminal/pager.ts'
import { tempFolder } from '../../support/temp.ts'

const long = Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join('')
const { signal } = new AbortController()

function terminal(): PagedOutput {
  return Object.assign(new PassThrough({ highWaterMark: 1024 * 1024 }), {
    isTTY: true,
    columns: 80,
    rows: 24,
  })
}

/** What `printPaged` writes to the terminal itself. */
async function printed(text: string | AsyncIterable<string>, env: Record<string, string>): Promise<string> {
  const output = terminal()
  await printPaged(text, { output, env: { PATH: process.env['PATH'], ...env }, isDisabled: false, signal })
  output.end()
  return await textOf(output as PassThrough)
}

/** A pager that writes what it reads, and LESS, to a file. */
async function fakePager(end = ''): Promise<{ command: string; seen: () => string }> {
  const folder = await tempFolder()
  const [command, file] = [join(folder, 'pager'), join(folder, 'seen')]
  writeFileSync(command, `#!/bin/sh\n${end}\n{ echo "$LESS"; cat; } >'${file}'\n`)
  chmodSync(command, 0o755)
  return { command, seen: () => readFileSync(file, 'utf8') }
}

describe('the pager', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['is less by default', {}, 'less'],
    ['is PAGER', { PAGER: 'more -s' }, 'more -s'],
    ['is DRAY_PAGER rather than PAGER', { DRAY_PAGER: 'bat', PAGER: 'more' }, 'bat'],
    ['is none if PAGER is empty', { PAGER: '' }, undefined],
    ['is none if PAGER is cat', { PAGER: 'cat' }, undefined],
    ['is none if DRAY_PAGER is empty', { DRAY_PAGER: '', PAGER: 'more' }, undefined],
    ['is none on a dumb terminal', { TERM: 'dumb' }, undefined],
  ])('%s', (_, env, command) => {
    expect(findPager({ output: terminal(), env, isDisabled: false })).toBe(command)
  })

  it('is none with --no-pager, and if the output is no terminal', () => {
    expect(findPager({ output: terminal(), env: {}, isDisabled: true })).toBeUndefined()
    expect(findPager({ output: new PassThrough(), env: {}, isDisabled: false })).toBeUndefined()
  })

  it('gets text that is longer than the screen, with its colours', async () => {
    const { command, seen } = await fakePager()
    const coloured = `\u001b[1m${long}\u001b[22m`
    expect(await printed(coloured, { PAGER: command })).toBe('')
    expect(seen()).toBe(`FRX\n${coloured}`)
  })

  it('gets a long stream of text, and the options of the user', async () => {
    const { command, seen } = await fakePager()
    async function* lines() {
      for (let i = 0; i < 100; i++) yield `line ${i}\n`
    }
    expect(await printed(lines(), { PAGER: `${command} -x`, LESS: 'S' })).toBe('')
    expect(seen()).toBe(`S\n${long}`)
  })

  it('may be a command for a shell', async () => {
    const { command, seen } = await fakePager()
    expect(await printed(long, { PAGER: `LESS=K '${command}'` })).toBe('')
    expect(seen()).toBe(`K\n${long}`)
  })

  it('is not started for text that fits on the screen', async () => {
    expect(await printed('short\n', { PAGER: '/nonexistent' })).toBe('short\n')
  })

  it.each(['/nonexistent/pager', "'/nonexistent/pager' -R"])(
    'is not needed: %s does not exist',
    async (PAGER) => {
      expect(await printed(long, { PAGER })).toBe(long)
    },
  )

  it('may end early', async () => {
    const { command } = await fakePager('exit 3')
    expect(await printed('x'.repeat(10 ** 6), { PAGER: command })).toBe('')
  })
})

describe('the length of a text', () => {
  it('counts wrapped lines, and no colours', () => {
    const screen = { columns: 10, rows: 4 }
    expect(isLongerThanScreen('a\nb\nc\n', screen)).toBe(false)
    expect(isLongerThanScreen('a\nb\nc\nd\n', screen)).toBe(true)
    expect(isLongerThanScreen('x'.repeat(30), screen)).toBe(false)
    expect(isLongerThanScreen('x'.repeat(31), screen)).toBe(true)
    expect(isLongerThanScreen('\u001b[31mxxxxxxxxxx\u001b[39m\nb\nc', screen)).toBe(false)
  })
})
