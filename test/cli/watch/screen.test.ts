import { expect, it } from 'vitest'
import { Screen } from '../../../src/cli/watch/screen.ts'

const escape = String.fromCodePoint(0x1b)
/** A terminal of 20 columns and `rows` rows, and what it got. */
function terminal(rows: number) {
  const written: string[] = []
  const output = {
    isTTY: true,
    columns: 20,
    rows,
    write: (text: string | Uint8Array): boolean => written.push(String(text)) > 0,
  }
  return { output, written, screen: new Screen(output) }
}
/** The lines of a drawing without control sequences. */
const linesOf = (text: string): readonly string[] =>
  text.replaceAll(new RegExp(`${escape}\\[[?\\d]*[a-zA-Z]`, 'g'), '').split('\r\n')

it('a screen hides the cursor once, draws from its first line, and restores the terminal once', () => {
  const { screen, written } = terminal(10)
  screen.close()
  screen.draw('one\ntwo')
  screen.draw('three')
  screen.close()
  screen.close()
  expect(written).toHaveLength(3)
  expect(written[0]).toContain(`${escape}[?25l`)
  expect(written[1]).not.toContain('?25')
  expect(written[1]).not.toContain('?1049')
  expect(written[1]).toContain(`${escape}[H`)
  expect(linesOf(written[0] ?? '')).toEqual(['one', 'two'])
  expect(linesOf(written[1] ?? '')).toEqual(['three'])
  expect(written[2]).toBe(`${escape}[?25h${escape}[?1049l`)
})

it('lines that do not fit are counted, and a line that is too wide takes several rows', () => {
  const { screen, written } = terminal(4)
  screen.draw('1\n2\n3\n4')
  screen.draw('1\n2\n3\n4\n5')
  screen.draw(`1\n${escape}[31m${'x'.repeat(21)}${escape}[39m\n3\n4`)
  expect(linesOf(written[0] ?? '')).toEqual(['1', '2', '3', '4'])
  expect(linesOf(written[1] ?? '')).toEqual(['1', '2', '3', '2 lines do not fit.'])
  expect(linesOf(written[2] ?? '')).toEqual(['1', 'x'.repeat(21), '2 lines do not fit.'])
})
