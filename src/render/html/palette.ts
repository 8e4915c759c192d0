/** The colours of the page by their role. A test computes the contrasts of both palettes. */
export interface Palette {
  readonly page: string
  /** of cards, table heads and code */
  readonly panel: string
  readonly text: string
  /** of secondary text; it has the contrast of text */
  readonly muted: string
  /** of borders that only separate */
  readonly line: string
  readonly link: string
  readonly good: string
  readonly notice: string
  readonly bad: string
  /** of bars, from the first series to the last; `free` is an outline */
  readonly series1: string
  readonly series2: string
  readonly series3: string
  readonly series4: string
  readonly series5: string
  readonly series6: string
  readonly free: string
}

export const lightPalette: Palette = {
  page: '#ffffff',
  panel: '#f5f7f9',
  text: '#1b2128',
  muted: '#55606d',
  line: '#d5dbe1',
  link: '#0a58a8',
  good: '#14693a',
  notice: '#8a4b00',
  bad: '#b3231b',
  series1: '#1f4e79',
  series2: '#3f82bd',
  series3: '#7a6fb0',
  series4: '#a35a1f',
  series5: '#4f7f52',
  series6: '#737b85',
  free: '#b3231b',
}

export const darkPalette: Palette = {
  page: '#13171c',
  panel: '#1c2229',
  text: '#e6eaee',
  muted: '#a3adb8',
  line: '#38414b',
  link: '#7db8f2',
  good: '#6fcf97',
  notice: '#f0b35c',
  bad: '#ff8f86',
  series1: '#8fc1ef',
  series2: '#4a8bc9',
  series3: '#9d92d6',
  series4: '#d08a4c',
  series5: '#74a878',
  series6: '#8b949e',
  free: '#ff8f86',
}
