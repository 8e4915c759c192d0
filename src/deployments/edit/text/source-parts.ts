/** A part of the source of a map or array, as the parser reports it. */
export interface SourcePart {
  readonly type: string
  readonly offset: number
  readonly source: string
}

const spaceTypes: ReadonlySet<string> = new Set(['space', 'newline', 'comment'])

/** Whether a part is space, a line break or a comment. */
export function isSpace({ type }: SourcePart): boolean {
  return spaceTypes.has(type)
}

/**
 * Returns the source of a scalar; empty for a missing value. The parser has no token for it, or one
 * without text, as in `{a:}`.
 */
export function sourceOf({ srcToken }: { readonly srcToken?: object }): string {
  const { source } = (srcToken ?? {}) as { readonly source?: string }
  return source ?? ''
}
