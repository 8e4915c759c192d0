import type { SourceReport } from '../../registry/credentials/explain-credentials.ts'
import { escapeText } from '../text/escape.ts'
import type { Page } from '../text/style.ts'
import { type Cell, type Column, renderTable } from '../text/table.ts'

interface Kept {
  readonly registry: string
  readonly file: string
  readonly helper: string | null
}

interface IgnoredSource {
  readonly source: string
  readonly where: string
}

interface Login extends Kept {
  readonly username: string
  readonly checked: boolean
  readonly behind: IgnoredSource | null
}

export function renderLogin(login: Login, { style }: Page): string {
  const who = `${escapeText(login.username)} at ${escapeText(login.registry)}`
  return `${style.green('logged in')}  ${who}, saved ${placeOf(login)}`
}

/** Returns notes about the login for a person; not escaped. */
export function renderLoginNotes({ registry, checked, helper, file, behind }: Login): readonly string[] {
  return [
    ...(checked ? [] : [`${registry} did not ask for credentials, so dray could not check them`]),
    ...(helper === null
      ? [`the password is stored without encryption in ${file}; a credential helper protects it better`]
      : []),
    ...(behind === null
      ? []
      : [
          `dray uses the credentials of ${behind.where} instead, which take precedence. Run dray auth explain ${registry}.`,
        ]),
  ]
}

interface Logout extends Kept {
  readonly removed: boolean
  readonly left: IgnoredSource | null
}

export function renderLogout({ removed, left, ...kept }: Logout, { style }: Page): string {
  const registry = escapeText(kept.registry)
  const first = removed
    ? `${style.green('logged out')}  of ${registry}, removed ${placeOf(kept)
        .replace(/^in /, 'from ')
        .replace(/^with /, 'from ')}`
    : `not logged in to ${registry}`
  if (left === null) return first
  return `${first}\n${style.yellow('note')}  other credentials for it remain in ${escapeText(left.where)}`
}

function placeOf({ helper, file }: Kept): string {
  return helper === null ? `in ${escapeText(file)}` : `with docker-credential-${escapeText(helper)}`
}

interface CredentialExplanation {
  readonly registry: string
  readonly repository: string | null
  readonly sources: readonly SourceReport[]
  readonly scopes: Readonly<Record<'read' | 'write' | 'delete', string>>
}

const columns: readonly Column[] = [
  { title: 'SOURCE' },
  { title: 'LOCATION', flexible: true, keep: 20 },
  { title: 'STATE' },
  { title: 'CREDENTIALS', flexible: true, keep: 24 },
]

export function renderAuthExplanation(explanation: CredentialExplanation, page: Page): string {
  const { registry, repository, sources, scopes } = explanation
  const { style } = page
  const name = repository === null ? registry : `${registry}/${repository}`
  const table = renderTable(columns, sources.map(rowOf), page)
  const isAnonymous = !sources.some(({ state }) => state === 'used' || state === 'broken')
  return [
    style.bold(escapeText(name)),
    table,
    ...(isAnonymous ? ['dray sends requests without credentials.'] : []),
    ...sources.flatMap(({ where, ignored = [] }) =>
      ignored.map(
        ({ key, why }) =>
          `${style.dim('ignored')}  ${escapeText(key)} in ${escapeText(where)}: ${escapeText(why)}`,
      ),
    ),
    ...sources.flatMap(({ error }) =>
      error === undefined
        ? []
        : [
            `${style.red('broken')}  ${escapeText(error.message)}${error.why === undefined ? '' : `: ${escapeText(error.why)}`}`,
            ...(error.hint === undefined ? [] : [`  fix: ${escapeText(error.hint)}`]),
          ],
    ),
    style.dim(`scope to read    ${escapeText(scopes.read)}`),
    style.dim(`scope to write   ${escapeText(scopes.write)}`),
    style.dim(`scope to delete  ${escapeText(scopes.delete)}`),
  ].join('\n')
}

const tones = { used: 'green', behind: 'dim', none: 'dim', broken: 'red' } as const

function rowOf(report: SourceReport): readonly Cell[] {
  const { source, where, state } = report
  const text = (words: string): Cell =>
    state === 'used' ? escapeText(words) : { text: escapeText(words), tone: 'dim' }
  const word = state === 'none' ? '' : state === 'behind' ? 'not used' : state
  return [
    text(source),
    text(where === source ? '' : where),
    { text: word, tone: tones[state] },
    text(whatOf(report)),
  ]
}

function whatOf({ state, why, error, key, helper, kind, username }: SourceReport): string {
  if (state === 'none') return why ?? ''
  if (state === 'broken') return error?.code ?? ''
  const what = kind === 'password' ? `user ${username ?? ''}` : 'a refresh token'
  const by = helper === undefined ? '' : `, through docker-credential-${helper}`
  return `${what}, key ${key ?? ''}${by}`
}
