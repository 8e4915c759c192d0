/** Styles for escaped text. Colours are injected, so that renderers are pure. */
export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly cyan: (text: string) => string
}

const same = (text: string): string => text

export const plainStyle: Style = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same }

/** The properties of the output for a renderer. */
export interface Page {
  readonly style: Style
  /** columns; undefined in a pipe or file: dray cuts no line there */
  readonly width: number | undefined
}
