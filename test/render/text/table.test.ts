import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainStyle } from '../../../src/render/text/style.ts'
import { renderTable } from '../../../src/render/text/table.ts'
import { cut, displayWidth, pad, wrap } from '../../../src/render/text/width.ts'

const columns = [
  { title: 'NAME', flexible: true },
  { title: 'SIZE', align: 'right' as const },
  { title: 'WHAT' },
]
const pipe = { style: plainStyle, width: undefined }

describe('displayWidth', () => {
  it.each([
    ['abc', 3],
    ['日本', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['👍', 2],
    ['한글', 4],
    ['ｆｕ', 4],
    ['🇩🇪🇫🇷', 4],
    ['👍🏽', 2],
    ['❤\ufe0f', 2],
    ['❤', 1],
    ['1\ufe0f\u20e3', 2],
    ['\u1112\u1161\u11ab', 2],
    ['नि', 2],
    ['مرحبا', 5],
  ])('counts %s as %d columns', (text, width) => {
    expect(displayWidth(text)).toBe(width)
  })
})

describe('cut and pad', () => {
  it('keep user-perceived characters whole', () => {
    expect(cut('ab🇩🇪', 3)).toBe('ab…')
    expect(cut('a👍🏽b', 3)).toBe('a…')
    expect(cut('👍🏽👍🏽👍🏽', 5)).toBe('👍🏽…')
    expect(cut('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…')
  })

  it('never return more columns, and pad returns no fewer', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, width) => {
        expect(displayWidth(cut(text, width))).toBeLessThanOrEqual(width)
        expect(displayWidth(pad(cut(text, width), width))).toBe(width)
      }),
    )
  })
})

describe('wrap', () => {
  it('breaks at spaces, and within a word only if it is too long', () => {
    expect(wrap('nightlies: 41d old, older', 12)).toEqual(['nightlies:', '41d old,', 'older'])
    expect(wrap('a nightly-20261014 b', 10)).toEqual(['a', 'nightly-20', '261014 b'])
    expect(wrap('日本日本', 5)).toEqual(['日本', '日本'])
  })

  it('fits, and omits only the spaces at which it breaks', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 8, max: 20 }), (text, width) => {
        const lines = wrap(text, width)
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width)
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
      }),
    )
  })
})

describe('renderTable', () => {
  it('aligns columns by their width on the terminal', () => {
    const rows = [
      ['日本', '1 B', 'x'],
      ['abc', '10 B', 'y'],
    ]
    expect(renderTable(columns, rows, pipe)).toBe(
      ['NAME  SIZE  WHAT', '日本   1 B  x', 'abc   10 B  y'].join('\n'),
    )
  })

  it('has no heading if no column has a title, and no space at the ends of lines', () => {
    const bare = [{ title: '' }, { title: '' }]
    expect(
      renderTable(
        bare,
        [
          ['a', ''],
          ['bb', 'c'],
        ],
        pipe,
      ),
    ).toBe('a\nbb  c')
  })

  it('fits a page of 80 columns by cutting only flexible columns', () => {
    const page = { style: plainStyle, width: 80 }
    const lines = renderTable(columns, [['n'.repeat(200), '1.0 MiB', 'whole']], page).split('\n')
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(80)
    expect(lines[1]).toMatch(/^n+… {2}1\.0 MiB {2}whole$/)
  })

  it('cuts a column below `keep` only if nothing else can be cut', () => {
    const two = [
      { title: '', flexible: true, keep: 20 },
      { title: '', flexible: true },
    ]
    const widthsAt = (width: number) =>
      renderTable(two, [['a'.repeat(30), 'b'.repeat(30)]], { style: plainStyle, width })
        .split('  ')
        .map((cell) => cell.length)
    expect(widthsAt(50)).toEqual([24, 24])
    expect(widthsAt(34)).toEqual([20, 12])
    expect(widthsAt(28)).toEqual([18, 8])
    expect(widthsAt(18)).toEqual([8, 8])
    expect(widthsAt(14)).toEqual([6, 6])
    expect(widthsAt(4)).toEqual([4, 4])
  })

  it('cuts nothing in a pipe', () => {
    expect(renderTable(columns, [['n'.repeat(200), '1 B', 'x']], pipe)).toContain('n'.repeat(200))
  })

  it('styles whole cells, so that colours do not move columns', () => {
    const style = { ...plainStyle, green: (text: string) => `<${text}>` }
    const rows = [
      [{ text: 'a', tone: 'green' as const }, '1', ''],
      ['bbb', '2', ''],
    ]
    expect(
      renderTable([{ title: '' }, { title: '' }, { title: '' }], rows, { style, width: undefined }),
    ).toBe('<a  >  1\nbbb  2')
  })
})
