import { findNearest } from '../../lib/nearest.ts'

/** An environment variable of dray. */
interface EnvironmentVariable {
  readonly purpose: string
  /** the flag that overrides it */
  readonly flag?: string
  /** dray does not read it: `--report` writes it to a file that CI loads into later jobs */
  readonly isWritten?: true
}

/** All environment variables whose names begin with `DRAY_`. */
export const variables: Readonly<Record<string, EnvironmentVariable>> = {
  DRAY_ACTOR: { purpose: 'Who requests a change.', flag: '--actor' },
  DRAY_AUDIT_FILE: { purpose: 'Path of the audit log.', flag: '--audit-file' },
  DRAY_CHANGED: { purpose: 'Whether a run changed a registry.', isWritten: true },
  DRAY_CONFIG: { purpose: 'Path of the configuration.', flag: '--config' },
  DRAY_DELETED: { purpose: 'Images that a prune deleted.', isWritten: true },
  DRAY_DIGEST: { purpose: 'Digests of the images of a run.', isWritten: true },
  DRAY_FREED: { purpose: 'Bytes that a prune freed.', isWritten: true },
  DRAY_LOCKED: { purpose: 'Images and tags that a prune found locked.', isWritten: true },
  DRAY_LOG: { purpose: '"debug" logs each HTTP request and shows stack traces.', flag: '--verbose' },
  DRAY_MAX_WAIT: { purpose: 'Longest wait that a registry can request.', flag: '--max-wait' },
  DRAY_PAGER: { purpose: 'Pager for long text. Takes precedence over PAGER.', flag: '--no-pager' },
  DRAY_PASSWORD: { purpose: 'Password or token for DRAY_REGISTRY.', flag: '--password-stdin' },
  DRAY_PLAN: { purpose: 'Hash of the plan of a run.', isWritten: true },
  DRAY_REASON: { purpose: 'Reason of a change.', flag: '--reason' },
  DRAY_REGISTRY: { purpose: 'Registry that the credentials are for.', flag: '--auth-registry' },
  DRAY_TICKET: { purpose: 'Ticket of a change.', flag: '--ticket' },
  DRAY_USERNAME: { purpose: 'User for DRAY_REGISTRY.', flag: '--username' },
}

const prefix = 'DRAY_'

/**
 * Warnings about variables that resemble one of dray: a mistyped name has no effect. Other names
 * that begin with `DRAY_` may belong to the user.
 */
export function warnAboutVariables(env: NodeJS.ProcessEnv): readonly string[] {
  const known = Object.keys(variables).filter((name) => variables[name]?.isWritten !== true)
  return Object.keys(env).flatMap((name) => {
    // Windows ignores the case of names.
    const isKnown = Object.hasOwn(variables, process.platform === 'win32' ? name.toUpperCase() : name)
    if (!name.toUpperCase().startsWith(prefix) || isKnown) return []
    const near = nearestVariable(name, known)
    return near === undefined ? [] : [`${name} has no effect. Did you mean ${near}?`]
  })
}

function nearestVariable(name: string, known: readonly string[]): string | undefined {
  const short = withoutPrefix(name)
  const [near] = findNearest(short, known.map(withoutPrefix), 1)
  if (near !== undefined) return `${prefix}${near}`
  // DRAY_USER, DRAY_AUDIT, DRAY_CONFIG_FILE
  return known.find((one) => isBeginning(short, withoutPrefix(one)) || isBeginning(withoutPrefix(one), short))
}

function isBeginning(short: string, long: string): boolean {
  return short.length >= 4 && long.startsWith(short.toUpperCase())
}

function withoutPrefix(name: string): string {
  return name.slice(prefix.length)
}
