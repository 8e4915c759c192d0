/** How text is set off; colours are injected, so that what renders stays pure. Each takes text that is escaped already. */
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

/** What a renderer needs to know of where its text goes. */
export interface Page {
  readonly style: Style
  /** columns to fit in; undefined in a pipe or file, where nothing is cut */
  readonly width: number | undefined
}
