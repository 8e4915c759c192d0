import type { Call } from '../../lib/call.ts'
import { type ErrorInfo, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { FoundCredential, NoCredential, Source, SourceName } from './source.ts'
import { expiryOf } from './token-expiry.ts'

/** The result of one source for a registry, without secrets. */
export interface SourceReport {
  readonly source: SourceName
  readonly where: string
  /**
   * `used`: dray sends it; `behind`: an earlier source wins; `broken`: commands fail with that
   * error
   */
  readonly state: 'used' | 'behind' | 'none' | 'broken'
  /** with `none` */
  readonly why?: NoCredential['why']
  /** with `broken` */
  readonly error?: ErrorInfo
  readonly key?: string
  readonly helper?: string
  readonly kind?: 'password' | 'refresh token'
  readonly username?: string
  /** when a token expires (ISO 8601); absent if that is unknown */
  readonly expiresAt?: string
  /** entries of the file that mention this registry and that dray does not use */
  readonly ignored?: readonly { readonly key: string; readonly why: string }[]
}

/**
 * Asks every source, also those after the one that wins, what it has for a registry or repository.
 * Changes nothing.
 * @param isPlainHttp whether the registry is reached over plain http; by default only loopback
 * names are
 * @throws the signal's reason.
 */
export async function explainCredentials(
  sources: readonly Source[],
  registry: string,
  path: string | undefined,
  call: Call,
  isPlainHttp?: boolean,
): Promise<readonly SourceReport[]> {
  const reports: SourceReport[] = []
  // One after another, because a helper may prompt.
  for (const source of sources) {
    const isDecided = reports.some(({ state }) => state === 'used' || state === 'broken')
    reports.push(await reportOf(source, registry, path, isDecided, call, isPlainHttp))
  }
  return reports
}

async function reportOf(
  source: Source,
  registry: string,
  path: string | undefined,
  isDecided: boolean,
  call: Call,
  isPlainHttp: boolean | undefined,
): Promise<SourceReport> {
  const { name, where } = source
  try {
    const found = await source.find(registry, path, call, isPlainHttp)
    const ignored = (await source.ignoredKeys?.(registry)) ?? []
    const notUsed = ignored.length > 0 && { ignored: ignored.map(({ text, why }) => ({ key: text, why })) }
    if (found.credential === undefined)
      return { source: name, where, state: 'none', why: found.why, ...notUsed }
    return { source: name, where, state: isDecided ? 'behind' : 'used', ...shown(found), ...notUsed }
  } catch (error) {
    if (call.signal.aborted || !isDrayError(error)) throw error
    // dray never reads a source after the one that wins.
    return { source: name, where, state: 'broken', error: toErrorInfo(error) }
  }
}

function shown({ credential, key, helper }: FoundCredential): Partial<SourceReport> {
  const expiresAt = expiryOf(credential)
  return {
    key,
    ...(helper !== undefined && { helper }),
    ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
    ...(credential.kind === 'basic'
      ? { kind: 'password' as const, username: credential.username }
      : { kind: 'refresh token' as const }),
  }
}
