import type { Call } from '../../lib/call.ts'
import { type ErrorInfo, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { FoundCredential, NoCredential, Source, SourceName } from './source.ts'

/** What one source has for a registry; nothing of it is secret. */
export interface SourceReport {
  readonly source: SourceName
  readonly where: string
  /** `used`: this is what is sent; `behind`: an earlier one comes first; `broken`: commands end with that error */
  readonly state: 'used' | 'behind' | 'none' | 'broken'
  /** with `none` */
  readonly why?: NoCredential['why']
  /** with `broken` */
  readonly error?: ErrorInfo
  readonly key?: string
  readonly helper?: string
  readonly kind?: 'password' | 'refresh token'
  readonly username?: string
  /** entries of the file that mention this registry and are not used */
  readonly ignored?: readonly { readonly key: string; readonly why: string }[]
}

/**
 * Looks into every source, also behind the one that wins, and says what each has for a registry or repository. Changes nothing.
 * @param isPlainHttp whether the registry is asked over plain http; by default only loopback names are
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
  // one after another: helpers may ask a person something
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
    // behind the one that wins it is never looked at
    return { source: name, where, state: 'broken', error: toErrorInfo(error) }
  }
}

function shown({ credential, key, helper }: FoundCredential): Partial<SourceReport> {
  return {
    key,
    ...(helper !== undefined && { helper }),
    ...(credential.kind === 'basic'
      ? { kind: 'password' as const, username: credential.username }
      : { kind: 'refresh token' as const }),
  }
}
