/** A rule of dray.yaml that was made from the file of another program. */
interface ImportedRule {
  readonly name: string
  readonly from: string
  readonly repositories?: readonly string[]
  readonly to: string
  readonly include?: readonly object[]
  readonly exclude?: object
  readonly platforms?: readonly string[]
}

/** The result of one entry. */
export interface ImportedEntry {
  /** undefined: the entry has no equivalent */
  readonly rule: ImportedRule | undefined
  /** whole sentences about what has no equivalent or another meaning, without credentials */
  readonly notes: readonly string[]
}

export interface ImportedFile {
  /** whole sentences about the file */
  readonly notes: readonly string[]
  /** by host */
  readonly registries: Readonly<Record<string, object>>
  readonly entries: readonly ImportedEntry[]
}

/** Gives each rule a name of its own, made of the path of its source. */
export class RuleNames {
  readonly #used = new Set<string>()

  take(path: string): string {
    const base =
      path
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^-+|-+$/g, '')
        .slice(0, 50) || 'rule'
    let name = base
    for (let i = 2; this.#used.has(name); i++) name = `${base}-${i}`
    this.#used.add(name)
    return name
  }
}

/** The value as a list of texts; a single text is a list of one. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

/** Shortens a text for a note, and quotes it. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
