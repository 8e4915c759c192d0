import { PassThrough } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createResultDocument } from '../../../src/cli/command/result-document.ts'
import type { OutputFormat } from '../../../src/cli/output/formats.ts'
import { ResultWriter } from '../../../src/cli/output/result-writer.ts'

const long = 'line\n'.repeat(50)

/** What a writer writes for a result with the text, and a notice after it. */
async function written(
  format: OutputFormat,
  text: string,
  options: { isTTY?: boolean; signal?: AbortSignal; pager?: string } = {},
): Promise<string> {
  const { isTTY = false, signal = new AbortController().signal, pager = 'cat' } = options
  const output = Object.assign(new PassThrough(), { isTTY, columns: 80, rows: 24 })
  const env = { PATH: process.env['PATH'], PAGER: pager }
  const writer = await ResultWriter.open(format, { output, env, isDisabled: false, signal })
  writer.write({
    text: () => text,
    document: () => createResultDocument('x', true, { tag: '1.4' }, []),
    lines: { rows: () => [{ tag: '1.4' }], names: () => ['r/a:1.4'], digests: () => ['sha256:a'] },
  })
  writer.after(() => output.write('notice\n'))
  await writer.end()
  output.end()
  return await textOf(output)
}

describe('the result of a command', () => {
  it.each<[OutputFormat, string]>([
    ['text', 'text\n'],
    ['yaml', 'schema: dray.result/v1\ncommand: x\nok: true\nresult:\n  tag: "1.4"\nwarnings: []\n'],
    ['jsonl', '{"tag":"1.4"}\n'],
    ['name', 'r/a:1.4\n'],
    ['digest', 'sha256:a\n'],
  ])('is written as %s', async (format, expected) => {
    expect(await written(format, 'text')).toBe(`${expected}notice\n`)
  })

  it('is empty for an empty text', async () => {
    expect(await written('text', '')).toBe('notice\n')
  })

  it('comes before notices, also if a pager that does not exist should show it', async () => {
    const ended = await written('text', long, { isTTY: true, pager: '/nonexistent' })
    expect(ended).toBe(`${long}\nnotice\n`)
  })

  it('is written after the run was stopped', async () => {
    const signal = AbortSignal.abort(new Error('stopped'))
    expect(await written('text', long, { isTTY: true, pager: '/nonexistent', signal })).toContain(long)
  })
})
