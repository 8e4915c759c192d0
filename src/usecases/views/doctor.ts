import type { ErrorInfo } from '../../lib/errors.ts'
import {
  abilities,
  type Ability,
  type OddityKind,
  type RateLimit,
  type RegistryFacts,
  type CheckResult,
  type WritingFacts,
} from '../../images/registry-facts.ts'
import { type CredentialFacts, describeCredentials } from './credential-finding.ts'
import { type VendorCheck, type VendorFacts, vendorFinding } from './inventory/vendor-finding.ts'
import { oddityFindings } from './registry-oddities.ts'

/** Days before the expiry of a certificate from which it is a note, and from which it is urgent. */
const noticeDays = 30
const urgentDays = 7
/** A clock that is off by more than this makes ages and tokens wrong, milliseconds. */
const maxClockOffMs = 30_000
const dayMs = 24 * 60 * 60 * 1000

/** A connection, as `http/` inspects it. */
export interface DoctorConnection {
  readonly addresses: readonly string[]
  readonly connectMs: number
  readonly tls?: {
    readonly protocol: string
    readonly subject: string
    readonly issuer: string
    /** milliseconds since 1970 */
    readonly validTo: number
    readonly untrusted?: { readonly code: string; readonly hint?: string }
  }
}

/** The results of all checks of one registry. */
export interface DoctorFacts {
  readonly registry: string
  /** scheme, host and port */
  readonly origin: string
  /** by which proxy it is reached, without its password */
  readonly proxy?: string
  /** absent if requests go through a proxy */
  readonly connection?: CheckResult<DoctorConnection>
  readonly credentials: CheckResult<CredentialFacts | undefined>
  /** absent if there was no connection */
  readonly facts?: RegistryFacts
  readonly vendor?: VendorFacts
  readonly writing?: WritingFacts
}

export type DiagnosisCheck =
  | 'connection'
  | 'tls'
  | 'credentials'
  | 'api'
  | 'repository'
  | 'clock'
  | 'rateLimit'
  | 'writing'
  | 'vendor'
  | VendorCheck
  | Ability
  | OddityKind
  | 'gates'
  | 'key'
  | 'trustedRoot'
  | 'expression'

/** `note`: useful to know, and no fault. `unknown`: the checks do not show it. */
export type FindingState = 'ok' | 'note' | 'problem' | 'unknown'

export interface Finding {
  readonly check: DiagnosisCheck
  readonly state: FindingState
  /** the result of the check, in a few words */
  readonly saw: string
  /** one action */
  readonly hint?: string
}

export interface Diagnosis {
  readonly registry: string
  readonly origin: string
  /** the repository that was checked, if any */
  readonly repository: string | null
  readonly findings: readonly Finding[]
}

/** Returns the findings for the facts of a registry: pure. `now` in milliseconds since 1970. */
export function diagnose(facts: DoctorFacts, now: number): Diagnosis {
  const { registry, origin, facts: seen } = facts
  return {
    registry,
    origin,
    repository: seen?.repository?.path ?? null,
    findings: [
      ...connectionFindings(facts, now),
      credentialFinding(facts.credentials, now),
      ...vendorFindings(facts.vendor),
      ...(seen === undefined ? [] : [...registryFindings(seen), ...oddityFindings(seen.oddities)]),
      ...(seen === undefined || 'error' in seen.api
        ? []
        : abilities.map((name) => abilityFinding(name, seen, facts.writing))),
      ...(facts.writing === undefined ? [] : writingFindings(facts.writing)),
    ],
  }
}

function connectionFindings({ origin, proxy, connection }: DoctorFacts, now: number): readonly Finding[] {
  if (proxy !== undefined)
    return [{ check: 'connection', state: 'ok', saw: `${origin} through the proxy ${proxy}` }]
  if (connection === undefined) return []
  if ('error' in connection) return [failed('connection', connection.error)]
  const { addresses, connectMs, tls } = connection.value
  const connected: Finding = {
    check: 'connection',
    state: 'ok',
    saw: `${origin} at ${addresses.join(', ')}, open in ${connectMs} ms`,
  }
  if (tls !== undefined) return [connected, tlsFinding(tls, now)]
  const isLocal = addresses.every((address) => /^(?:127\.|::1$)/.test(address))
  const plain: Finding = isLocal
    ? { check: 'tls', state: 'note', saw: 'plain HTTP on this machine' }
    : {
        check: 'tls',
        state: 'problem',
        saw: 'plain HTTP: others on the network can read credentials and change content',
        hint: 'Enable HTTPS on the registry, and remove "insecure" from dray.yaml.',
      }
  return [connected, plain]
}

function tlsFinding(tls: NonNullable<DoctorConnection['tls']>, now: number): Finding {
  const { protocol, subject, issuer, validTo, untrusted } = tls
  const days = Math.floor((validTo - now) / dayMs)
  const what = `${protocol}, ${subject}, issued by ${issuer}`
  if (untrusted !== undefined) {
    const hint =
      untrusted.hint ??
      'Set registries.HOST.ca in dray.yaml to the certificate of the authority that issued it.'
    return { check: 'tls', state: 'problem', saw: `${what}: not trusted (${untrusted.code})`, hint }
  }
  const saw = days < 0 ? `${what}, expired` : `${what}, valid for ${days} ${days === 1 ? 'day' : 'days'}`
  if (days >= noticeDays) return { check: 'tls', state: 'ok', saw }
  const hint = 'Ask the operator of the registry to renew the certificate.'
  return { check: 'tls', state: days < urgentDays ? 'problem' : 'note', saw, hint }
}

function credentialFinding(credentials: CheckResult<CredentialFacts | undefined>, now: number): Finding {
  return 'error' in credentials
    ? failed('credentials', credentials.error)
    : describeCredentials(credentials.value, now)
}

function vendorFindings(vendor: VendorFacts | undefined): readonly Finding[] {
  return [(vendor && vendorFinding(vendor)) ?? []].flat()
}

function registryFindings({ api, clockDifferenceMs, repository }: RegistryFacts): readonly Finding[] {
  if ('error' in api) return [failed('api', api.error)]
  const { roundTripMs, version } = api.value
  const answered: Finding = {
    check: 'api',
    state: 'ok',
    saw: `answered in ${roundTripMs} ms${version === undefined ? '' : `, reports ${version}`}`,
  }
  return [
    answered,
    ...(repository === undefined ? [] : repositoryFindings(repository)),
    ...(clockDifferenceMs === undefined ? [] : [clockFinding(clockDifferenceMs)]),
  ]
}

function repositoryFindings({
  path,
  tags,
  rateLimit,
}: NonNullable<RegistryFacts['repository']>): readonly Finding[] {
  return [repositoryFinding(path, tags), ...(rateLimit === undefined ? [] : [rateFinding(rateLimit)])]
}

function repositoryFinding(path: string, tags: CheckResult<number | 'absent'>): Finding {
  if ('error' in tags) return failed('repository', tags.error)
  if (tags.value === 'absent') {
    const hint = 'Check the name. Some registries give this answer also if you lack permission.'
    return { check: 'repository', state: 'note', saw: `${path} was not found`, hint }
  }
  const many = tags.value === 1 ? '1 tag' : `${tags.value} tags`
  return { check: 'repository', state: 'ok', saw: `${path} is readable, ${many} on the first page` }
}

function rateFinding({ limit, remaining, windowS }: RateLimit): Finding {
  const saw = `${remaining} of ${limit} pulls left, per ${windowS} s`
  if (remaining > limit / 10) return { check: 'rateLimit', state: 'note', saw }
  return {
    check: 'rateLimit',
    state: 'problem',
    saw,
    hint: 'Log in with dray login for a higher limit, or mirror the images that you pull often.',
  }
}

function clockFinding(differenceMs: number): Finding {
  const off = Math.round(Math.abs(differenceMs) / 1000)
  if (Math.abs(differenceMs) <= maxClockOffMs)
    return { check: 'clock', state: 'ok', saw: `differs by ${off} s from this machine` }
  return {
    check: 'clock',
    state: 'problem',
    saw: `${off} s ${differenceMs > 0 ? 'ahead of' : 'behind'} this machine`,
    hint: 'Set both clocks by NTP. Ages in retention rules and lifetimes of tokens depend on them.',
  }
}

/** Abilities that reads show if the repository has images. */
const readable: ReadonlySet<Ability> = new Set<Ability>(['referrers', 'range'])

function abilityFinding(name: Ability, seen: RegistryFacts, writing: WritingFacts | undefined): Finding {
  const fact = writing?.abilities[name] ?? seen.abilities[name]
  if (fact === undefined || fact.known === 'unknown') {
    const hint = explainHowToCheck(name, seen, writing)
    return { check: name, state: 'unknown', saw: 'not observed', ...(hint !== undefined && { hint }) }
  }
  const how = { asking: 'observed', writing: 'tested', table: 'documented', nothing: '' }[fact.by]
  const detail = fact.detail === undefined ? '' : ` (${fact.detail})`
  if (fact.known === 'yes') return { check: name, state: 'ok', saw: `yes, ${how}${detail}` }
  return { check: name, state: 'note', saw: `no, ${how}${detail}`, hint: fact.hint ?? hintsWithout[name] }
}

function explainHowToCheck(
  name: Ability,
  { repository }: RegistryFacts,
  writing: WritingFacts | undefined,
): string | undefined {
  if (writing !== undefined || name === 'catalog') return undefined
  if (!readable.has(name)) return 'Pass --write REPOSITORY to test this.'
  const hasImages = repository !== undefined && 'value' in repository.tags && repository.tags.value !== 0
  return hasImages ? undefined : 'Name a repository with images to check this: HOST/REPOSITORY.'
}

/** The consequence of each missing ability, and the fix. */
const hintsWithout: Readonly<Record<Ability, string>> = {
  referrers:
    'Fallback tags (sha256-…) list the attached artifacts. dray maintains them; no action is needed.',
  deleteTag:
    "prune deletes by manifest here. Docker's registry deletes tags from version 3 on, with storage.delete.enabled: true.",
  deleteManifest:
    "prune cannot delete here. Docker's registry needs storage.delete.enabled: true; others have APIs or retention rules of their own.",
  mount: 'dray uploads layers instead of mounting them. A promotion within the registry takes longer.',
  chunks: 'dray uploads each layer in one request, and restarts it if the connection breaks.',
  uploadRange: 'dray restarts an upload if the connection breaks.',
  manyTags: 'dray writes each tag with its own request; no action is needed.',
  range: 'dray restarts a download if the connection breaks.',
  catalog: 'Patterns of repositories do not work here. List the images in dray.yaml.',
}

function writingFindings({ failure, left }: WritingFacts): readonly Finding[] {
  const cleaned: Finding =
    left.length === 0
      ? {
          check: 'writing',
          state: 'ok',
          saw: 'dray deleted what it wrote; the name of the repository may remain',
        }
      : {
          check: 'writing',
          state: 'note',
          saw: `not deleted: ${left.join(', ')}`,
          hint: 'The API or the permissions of this user do not allow it. Garbage collection deletes unreferenced blobs.',
        }
  return failure === undefined ? [cleaned] : [failed('writing', failure), cleaned]
}

function failed(check: DiagnosisCheck, error: ErrorInfo): Finding {
  const why = error.why === undefined ? '' : `: ${error.why}`
  return {
    check,
    state: 'problem',
    saw: `${error.message}${why}`,
    ...(error.hint !== undefined && { hint: error.hint }),
  }
}

/** Whether something is wrong. */
export function hasProblem({ findings }: Pick<Diagnosis, 'findings'>): boolean {
  return findings.some(({ state }) => state === 'problem')
}
