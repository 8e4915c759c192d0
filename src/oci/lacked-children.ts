import type { Digest } from './digest.ts'

/** Children that are named. */
const namedAtMost = 3

/** `its index lacks linux/amd64, linux/arm64 and 2 more` */
export function describeLacked(
  lacks: readonly { readonly digest: Digest; readonly platform?: string }[],
): string {
  const names = lacks.slice(0, namedAtMost).map(({ platform, digest }) => platform ?? digest.slice(0, 19))
  const more = lacks.length > namedAtMost ? ` and ${lacks.length - namedAtMost} more` : ''
  return `its index lacks ${names.join(', ')}${more}`
}
