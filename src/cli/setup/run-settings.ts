import type { Setting, SettingOrigin } from '../../config/settings/settings.ts'

/** A flag that an environment variable replaces. */
export interface GivenFlag {
  readonly name: string
  readonly variable: string
  /** undefined: the flag is not given */
  readonly value: string | undefined
  readonly fromVariable: string | undefined
}

interface RunFlags {
  readonly config: GivenFlag
  readonly maxWait: GivenFlag
  readonly auditFile: GivenFlag
}

/** Variables that set a flag of other commands. */
const variables = [
  ['--reason', 'DRAY_REASON'],
  ['--ticket', 'DRAY_TICKET'],
  ['--actor', 'DRAY_ACTOR'],
] as const

/**
 * Lists the values that flags and environment variables can set. `audit.file` is omitted if the
 * file decides it. @param paths as in effect, absolute
 */
export function listRunSettings(
  { config, maxWait, auditFile }: RunFlags,
  env: Readonly<Record<string, string | undefined>>,
  paths: { readonly file: string | undefined; readonly auditLog: string; readonly isAuditLogInFile: boolean },
): readonly Setting[] {
  const audit: Setting = { key: 'audit.file', value: paths.auditLog, origin: originOf(auditFile) }
  const isOfFile = audit.origin.kind === 'default' && paths.isAuditLogInFile
  return [
    ...(isOfFile ? [] : [audit]),
    { key: '--config', value: paths.file ?? null, origin: originOf(config) },
    { key: '--max-wait', value: maxWait.value ?? maxWait.fromVariable ?? '5m', origin: originOf(maxWait) },
    ...variables.flatMap(([key, name]): readonly Setting[] => {
      const value = env[name]
      return value === undefined ? [] : [{ key, value, origin: { kind: 'variable', name } }]
    }),
  ]
}

function originOf({ name, variable, value, fromVariable }: GivenFlag): SettingOrigin {
  if (value !== undefined) return { kind: 'flag', name }
  return fromVariable === undefined ? { kind: 'default' } : { kind: 'variable', name: variable }
}
