import { describe, expect, it } from 'vitest'
import { darkPalette, lightPalette, type Palette } from '../../../src/render/html/palette.ts'

const palettes = [
  ['light and print', lightPalette],
  ['dark', darkPalette],
] as const

/** The relative luminance of `#rrggbb` (WCAG 2.2). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** From 1 to 21. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function lowContrasts(palette: Palette, names: readonly (keyof Palette)[], least: number): readonly string[] {
  return names.flatMap((name) =>
    (['page', 'panel'] as const).flatMap((ground) => {
      const found = contrast(palette[name], palette[ground])
      return found >= least ? [] : [`${name} on ${ground}: ${found.toFixed(2)}`]
    }),
  )
}

describe.each(palettes)('the colours of %s', (_name, palette) => {
  it('have the contrast of text for all words (WCAG 1.4.3)', () => {
    const names = ['text', 'muted', 'link', 'good', 'notice', 'bad'] as const
    expect(lowContrasts(palette, names, 4.5)).toEqual([])
  })

  it('have the contrast of graphics for all bars and marks (WCAG 1.4.11)', () => {
    const names = ['series1', 'series2', 'series3', 'series4', 'series5', 'series6', 'free'] as const
    expect(lowContrasts(palette, names, 3)).toEqual([])
  })
})
