/** A word that the shell can put at the cursor. */
export interface Candidate {
  readonly value: string
  /** one line, for shells that show it */
  readonly description?: string
}

/** The candidates that a shell offers. */
export interface Completion {
  readonly candidates: readonly Candidate[]
  /** text can follow each candidate, so the shell adds no blank */
  readonly canContinue?: boolean
  /** the shell completes the names of its own files */
  readonly paths?: 'files' | 'folders'
}

export const nothing: Completion = { candidates: [] }

/** The names in `dray.yaml`; all empty without a valid file. */
export interface ConfiguredNames {
  readonly environments: readonly string[]
  readonly images: readonly string[]
  readonly policies: readonly string[]
  /** rules of the section `sync` */
  readonly syncRules: readonly string[]
  /** `registry.example.com` */
  readonly hosts: readonly string[]
  /** `registry.example.com/staging/api`: each image in each environment */
  readonly repositories: readonly string[]
  /** suffixes of versions without wildcards: `alpine` */
  readonly variants: readonly string[]
  /** names of gates that can be overridden */
  readonly gates: readonly string[]
}

/** The sources of completion. None of them throws. */
export interface CompletionSources {
  names(): Promise<ConfiguredNames>
  /**
   * The tags of an image without those of attached artifacts, the highest version first. Empty if
   * they cannot be read in time.
   * @param image as in an argument, without a tag
   * @param environments of a bare name
   */
  tags(image: string, environments: readonly string[]): Promise<readonly string[]>
}

/**
 * Letters that no shell interprets in the middle of a word. A name from a file or a registry that
 * has another one is not offered, because it would become part of a command line.
 */
const safe = /^[\w@%+:,./-][\w@%+=:,./-]*$/
const maxDescription = 100

/**
 * Prints candidates for the script of a shell, each on a line, with a tab before its description.
 * A last line that begins with `:` has an instruction: `:files`, `:folders` or `:continue`.
 */
export function printCompletion({ candidates, canContinue = false, paths }: Completion): string {
  const lines = candidates
    .filter(({ value }) => safe.test(value) && !value.startsWith(':'))
    .map(({ value, description }) => (description === undefined ? value : `${value}\t${plain(description)}`))
  const instruction = paths ?? (canContinue && lines.length > 0 ? 'continue' : undefined)
  const all = [...lines, ...(instruction === undefined ? [] : [`:${instruction}`])]
  return all.map((line) => `${line}\n`).join('')
}

function plain(description: string): string {
  return description
    .replaceAll(/\p{C}+/gu, ' ')
    .slice(0, maxDescription)
    .trim()
}
