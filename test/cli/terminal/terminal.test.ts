import { describe, expect, it } from 'vitest'
import { isInteractive, canRedraw, hasColour, createPage } from '../../../src/cli/terminal/terminal.ts'

const terminal = { isTTY: true as const, columns: 100, write: () => true }
const pipe = { write: () => true }

describe('hasColour', () => {
  it.each([
    ['a terminal', terminal, undefined, {}, true],
    ['a pipe', pipe, undefined, {}, false],
    ['a dumb terminal', terminal, undefined, { TERM: 'dumb' }, false],
    ['NO_COLOR', terminal, undefined, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', terminal, undefined, { NO_COLOR: '' }, true],
    ['FORCE_COLOR', pipe, undefined, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR=0', terminal, undefined, { FORCE_COLOR: '0' }, false],
    ['NO_COLOR and FORCE_COLOR', terminal, undefined, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['--color over NO_COLOR', pipe, true, { NO_COLOR: '1' }, true],
    ['--no-color over FORCE_COLOR', terminal, false, { FORCE_COLOR: '1' }, false],
  ] as const)('is decided for %s', (_, output, flag, env, expected) => {
    expect(hasColour(output, flag, env)).toBe(expected)
  })
})

describe('createPage', () => {
  it('has a width only on a terminal, and colours only if they are enabled', async () => {
    expect((await createPage(terminal, false, {})).width).toBe(100)
    expect((await createPage(pipe, true, {})).width).toBeUndefined()
    expect((await createPage(pipe, true, {})).style.red('x')).toBe('\u001b[31mx\u001b[39m')
  })
})

describe('a terminal without a size', () => {
  it('is 80 columns wide, and is not redrawn', async () => {
    const sizeless = { ...terminal, columns: 0 }
    expect((await createPage(sizeless, false, {})).width).toBe(80)
    expect([sizeless, terminal, pipe].map(canRedraw)).toEqual([false, true, false])
  })
})

describe('isInteractive', () => {
  it.each([
    ['two terminals', true, terminal, {}, true],
    ['a closed stdin', false, terminal, {}, false],
    ['a redirected stderr', true, pipe, {}, false],
    ['CI', true, terminal, { CI: 'true' }, false],
    ['CI=false', true, terminal, { CI: 'false' }, true],
  ] as const)('is decided for %s', (_, input, output, env, expected) => {
    expect(isInteractive(output, env, () => input)).toBe(expected)
  })
})
