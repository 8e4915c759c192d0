import { describe, expect, it } from 'vitest'
import { chooseFormat, errorFormat, requestedFormats } from '../../../src/cli/output/formats.ts'
import { formatLines } from '../../../src/cli/output/result-lines.ts'

describe('the requested format', () => {
  it.each([
    ['ls a/b', []],
    ['--json ls', ['json']],
    ['ls -o yaml', ['yaml']],
    ['ls -oyaml', ['yaml']],
    ['ls -o=yaml', ['yaml']],
    ['ls -qo yaml', ['yaml']],
    ['ls --output yaml', ['yaml']],
    ['ls --output=yaml --json', ['yaml', 'json']],
    ['ls --out plan.json --only', []],
    ['ls -- --json', []],
    ['ls -o', []],
    ['ls --output= api', ['']],
    ['ls -o= api', ['']],
  ])('of "%s" is %j', (line, formats) => {
    expect(requestedFormats(line.split(' '))).toEqual(formats)
  })

  it('decides how an error is printed, also if the arguments are wrong', () => {
    expect(errorFormat(['--json', 'nowhere'])).toBe('json')
    expect(errorFormat(['nowhere', '-o', 'yaml'])).toBe('yaml')
    expect(errorFormat(['-o', 'name', 'ls'])).toBe('text')
  })

  it('is one that the command has', () => {
    const choose = (...args: string[]) => chooseFormat(args, 'ls', ['text', 'json', 'name'])
    expect(choose()).toBe('text')
    expect(choose('--json', '-o', 'json')).toBe('json')
    expect(() => choose('-o', 'digest')).toThrow(
      expect.objectContaining({ code: 'usage', hint: 'The formats are text, json, name.' }),
    )
    expect(() => choose('-o', 'jsno')).toThrow(
      expect.objectContaining({ hint: 'Did you mean "json"? The formats are text, json, name.' }),
    )
    expect(() => choose('--json', '-o', 'name')).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('json and name') as string }),
    )
  })
})

describe('the lines of a result', () => {
  it('are one ASCII object, or one distinct and escaped name, per line', () => {
    const lines = {
      rows: () => [{ tag: 'a\nb' }, { tag: '##[error]\u202e' }],
      names: () => ['r/a:1', 'r/a:2', 'r/a:1', 'oci:/x\n::error::'],
      digests: () => [],
    }
    const rows = formatLines('jsonl', lines)
    expect(
      rows
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(lines.rows())
    expect(rows).toMatch(/^[\n -~]*$/)
    expect(rows).not.toContain('##[')
    expect(formatLines('name', lines)).toBe('r/a:1\nr/a:2\noci:/x\\n::error::\n')
    expect(formatLines('digest', lines)).toBe('')
  })
})
