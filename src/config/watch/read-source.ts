import { notAHost, registryOf } from '../check/check-registries.ts'
import type { RegistryNames } from '../registry-names.ts'
import type { Path } from '../key-path.ts'
import type { WrittenWatchSource } from '../schema/schema-watch.ts'
import type { ReportIssue } from '../shape.ts'
import type { WatchAuth, WatchSecret, WatchSource } from './watch-config.ts'
import type { WatchSourceKind } from './watch-source-kinds.ts'

/** The source of events that a check finds, in output and in audit records. */
export const sourceOfChecks = 'every'

/** The registries of services that have one. */
const usualRegistries: { readonly [Kind in WatchSourceKind]?: string } = {
  ghcr: 'ghcr.io',
  dockerhub: 'docker.io',
  quay: 'quay.io',
}

const authKinds: Readonly<Record<WatchSourceKind, WatchAuth['kind']>> = {
  distribution: 'header',
  gitlab: 'header',
  harbor: 'header',
  acr: 'header',
  ecr: 'header',
  ghcr: 'hmac',
  cloudevents: 'hmac',
  quay: 'path',
  dockerhub: 'path',
}

export interface SourceContext {
  readonly names: RegistryNames
  readonly report: ReportIssue
  /** resolves a path that is relative to the file */
  readonly absolute: (path: string) => string
}

/** Parses a source; undefined if it has a mistake, which is reported. */
export function readSource(
  written: WrittenWatchSource,
  path: Path,
  context: SourceContext,
): WatchSource | undefined {
  const { name, kind } = written
  if (name === sourceOfChecks)
    context.report([...path, 'name'], `${name} is the source of checks without an event: write another name`)
  const secret = readSecret(written, path, context)
  const auth = readAuth(written, path, context)
  const registry = readRegistry(written, path, context)
  if (secret === undefined || auth === undefined || registry === null) return undefined
  return { name, kind, auth, secret, ...(registry !== undefined && { registry }) }
}

function readSecret(
  { secretEnv, secretFile }: WrittenWatchSource,
  path: Path,
  { report, absolute }: SourceContext,
): WatchSecret | undefined {
  if (secretEnv !== undefined && secretFile !== undefined) {
    report([...path, 'secretFile'], '`secretEnv` and `secretFile` exclude each other', 'key')
    return undefined
  }
  if (secretEnv !== undefined) return { kind: 'variable', name: secretEnv }
  if (secretFile !== undefined) return { kind: 'file', path: absolute(secretFile) }
  report(path, 'a source needs a secret: `secretEnv` or `secretFile`', 'value', true)
  return undefined
}

function readAuth(
  { kind, header }: WrittenWatchSource,
  path: Path,
  { report }: SourceContext,
): WatchAuth | undefined {
  const usual = authKinds[kind]
  if (header === undefined)
    return usual === 'header' ? { kind: usual, name: 'authorization' } : { kind: usual }
  if (usual === 'header' || kind === 'cloudevents') return { kind: 'header', name: header.toLowerCase() }
  const why = usual === 'hmac' ? 'it signs its requests' : 'its path is secret'
  report([...path, 'header'], `a source of the kind ${kind} sends no header: ${why}`, 'key')
  return undefined
}

/** Returns null for a mistake, and undefined if the event names the registry. */
function readRegistry(
  { kind, registry }: WrittenWatchSource,
  path: Path,
  { names, report }: SourceContext,
): string | null | undefined {
  if (registry === undefined) {
    const usual = usualRegistries[kind]
    if (usual !== undefined || kind === 'cloudevents') return usual
    report(
      path,
      `a source of the kind ${kind} needs \`registry\`: the host of its repositories`,
      'value',
      true,
    )
    return null
  }
  const host = registryOf(registry)
  if (host !== undefined) return names.canonical(host)
  report([...path, 'registry'], notAHost(registry))
  return null
}
