import { DrayError } from '../../lib/errors.ts'
import { checkFallback } from './check-fallback.ts'
import type {
  MirrorFile,
  MirrorHost,
  MirrorOptions,
  MirrorPart,
  MirrorPlace,
  MirrorRule,
} from './mirror-rule.ts'
import { headerLine, tomlString } from './toml.ts'

/** containerd reads docker.io from this host (containerd, core/remotes/docker, DefaultHost). */
const dockerHubServer = 'registry-1.docker.io'

/**
 * Returns a `hosts.toml` for each source host (containerd, docs/hosts.md). containerd keeps the
 * path of an image, so a file can only put a prefix before it, and it has one for the whole host.
 * @throws `unsupported` if a mirror has other paths, or if rules map a host in several ways;
 * `refused` by `checkFallback`.
 */
export function containerdFiles(rules: readonly MirrorRule[], options: MirrorOptions): readonly MirrorFile[] {
  checkFallback(rules, options)
  const byHost = Map.groupBy(rules, ({ source }) => source.registry)
  return [...byHost.entries()]
    .toSorted(([a], [b]) => compare(a, b))
    .map(([registry, ofHost]) => ({
      path: `certs.d/${folderOf(registry)}/hosts.toml`,
      content: hostsToml(ofHost, options),
    }))
}

function hostsToml(rules: readonly MirrorRule[], options: MirrorOptions): string {
  const mappings = rules.flatMap((rule) => rule.parts.map((part) => ({ rule, urls: mirrorUrls(rule, part) })))
  const [first, ...rest] = mappings
  if (first === undefined) throw new DrayError('internal', 'a rule has no repositories')
  const other = rest.find(({ urls }) => urls.join(' ') !== first.urls.join(' '))
  if (other !== undefined) throw severalWays(rules, mappings)
  const { source } = first.rule
  const tables = options.noFallback ? first.urls.slice(0, -1) : first.urls
  const server = options.noFallback ? settings(first.urls.at(-1) ?? '', options, '') : []
  const lines = [
    headerLine(rules.map(({ name }) => name)),
    `server = ${tomlString(options.noFallback ? (first.urls.at(-1) ?? '') : serverUrl(source))}`,
    ...server,
    ...tables.flatMap((url) => ['', `[host.${tomlString(url)}]`, ...settings(url, options, '  ')]),
  ]
  return `${lines.join('\n')}\n`
}

/** Without `resolve`, containerd does not ask the mirror which digest a tag has. */
function settings(url: string, { digestOnly }: MirrorOptions, indent: string): readonly string[] {
  const capabilities = `${indent}capabilities = ${digestOnly ? '["pull"]' : '["pull", "resolve"]'}`
  // Without it, containerd would add `/v2` behind the path (docs/hosts.md, override_path).
  return hasPath(url) ? [capabilities, `${indent}override_path = true`] : [capabilities]
}

function mirrorUrls(rule: MirrorRule, part: MirrorPart): readonly string[] {
  return part.mirrors.map((mirror) => {
    const prefix = prefixOf(part.path, mirror.path)
    if (prefix === undefined) throw otherPath(rule, part, mirror)
    return prefix === '' ? serverUrl(mirror) : `${serverUrl(mirror)}/v2/${prefix}`
  })
}

/** The text before `path` in `mirrored`, without a slash at its end; undefined: it is not there. */
function prefixOf(path: string, mirrored: string): string | undefined {
  if (path === '') return mirrored
  if (mirrored === path) return ''
  return mirrored.endsWith(`/${path}`) ? mirrored.slice(0, -path.length - 1) : undefined
}

function serverUrl({ registry, isPlain }: MirrorHost): string {
  return `${isPlain ? 'http' : 'https'}://${registry === 'docker.io' ? dockerHubServer : registry}`
}

function hasPath(url: string): boolean {
  return url.includes('/', url.indexOf('://') + 3)
}

/**
 * The folder of a host. containerd searches for `HOST_PORT_` before `HOST:PORT`, and the first one
 * is also a valid name on Windows (docs/hosts.md, Port Handling in Registry Host).
 */
function folderOf(registry: string): string {
  return registry.replace(/:([0-9]+)$/, '_$1_')
}

function otherPath(rule: MirrorRule, { path }: MirrorPart, mirror: MirrorPlace): DrayError {
  const from = `${rule.source.registry}${path === '' ? '' : `/${path}`}`
  const to = `${mirror.registry}${mirror.path === '' ? '' : `/${mirror.path}`}`
  return new DrayError('unsupported', `containerd cannot use the mirror of the rule ${rule.name}`, {
    subject: to,
    why: `containerd keeps the path of an image, and ${to} does not end with the path of ${from}`,
    hint: `Let the destination of the rule end with the whole path of the source, or pass --format registries.conf.`,
  })
}

function severalWays(
  rules: readonly MirrorRule[],
  mappings: readonly { readonly rule: MirrorRule; readonly urls: readonly string[] }[],
): DrayError {
  const host = rules[0]?.source.registry ?? ''
  const ways = new Set(mappings.map(({ rule, urls }) => `${rule.name}: ${urls.join(', ')}`))
  return new DrayError('unsupported', `cannot write one hosts.toml for ${host}`, {
    subject: host,
    why: 'containerd has one mapping for a whole host, and the sync rules map it in several ways',
    details: [...ways],
    hint: 'Name only rules with the same mapping, or pass --format registries.conf.',
  })
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
