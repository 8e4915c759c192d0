import { parseEnvironmentOption } from '../../config/resolver/argument-grammar.ts'
import { asUsage } from '../../lib/as-usage.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatReference, parseReference } from '../../oci/reference.ts'
import { checkLabel, checkObjectName, labelFor, maxNameLength } from '../../usecases/kubernetes/names.ts'
import type { PodToleration, PrepullOptions } from '../../usecases/kubernetes/prepull.ts'

const defaultName = 'dray-prepull'
/** Its busybox needs no library of the image that runs it. */
const usualBusybox = 'docker.io/library/busybox:1.37-musl'
/** The numbers of DaemonSets have at most so many digits. */
const maxDigits = 4

/** The flags of `dray k8s prepull` about its output. */
interface PodFlags {
  readonly env: string | undefined
  readonly name: string | undefined
  readonly namespace: string | undefined
  readonly 'pull-secret': readonly string[] | undefined
  readonly 'node-selector': readonly string[] | undefined
  readonly toleration: readonly string[] | undefined
  readonly 'init-containers': boolean
  readonly 'pause-image': string
  readonly 'busybox-image': string | undefined
}

/** Checks the flags, so that Kubernetes accepts the output. @throws `usage`. */
export function prepullOptions(flags: PodFlags): PrepullOptions {
  const { namespace } = flags
  const length = maxNameLength - maxDigits - 1
  const environment = flags.env === undefined ? undefined : parseEnvironmentOption(flags.env)
  const usual = environment === undefined ? defaultName : labelFor(defaultName, environment, length)
  const imageOf = (text: string): string => asUsage(() => formatReference(parseReference(text)))
  return {
    name: flags.name === undefined ? usual : checkLabel(flags.name, '--name', length),
    ...(namespace !== undefined && { namespace: checkLabel(namespace, '--namespace') }),
    pullSecrets: (flags['pull-secret'] ?? []).map((name) => checkObjectName(name, '--pull-secret')),
    nodeSelector: parseNodeSelector(flags['node-selector'] ?? []),
    tolerations: (flags.toleration ?? []).map(parseToleration),
    pauseImage: imageOf(flags['pause-image']),
    ...(flags['init-containers'] && { busyboxImage: imageOf(flags['busybox-image'] ?? usualBusybox) }),
  }
}

/** A key of a label or taint: `[PREFIX/]NAME` (Kubernetes, IsQualifiedName). */
const qualifiedName =
  /^(?:(?=.{1,253}\/)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/
/** The value of a label (Kubernetes, IsValidLabelValue). */
const labelValue = /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/
const effects: readonly string[] = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** Parses `KEY=VALUE[,KEY=VALUE…]`, as kubectl writes selectors. @throws `usage`. */
export function parseNodeSelector(texts: readonly string[]): Readonly<Record<string, string>> {
  const labels = new Map<string, string>()
  for (const text of texts.flatMap((one) => one.split(','))) {
    const [, key, value] = /^([^=]*)=(.*)$/s.exec(text) ?? []
    if (key === undefined || value === undefined || !qualifiedName.test(key) || !labelValue.test(value))
      throw new DrayError('usage', `${JSON.stringify(text)} is not a value of --node-selector`, {
        hint: 'Write labels of nodes as KEY=VALUE, such as pool=apps.',
      })
    if (labels.has(key) && labels.get(key) !== value)
      throw new DrayError('usage', `--node-selector has two values for ${key}`, {
        hint: 'A node has one value for each label. Pass one of them.',
      })
    labels.set(key, value)
  }
  return Object.fromEntries([...labels].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Parses `KEY[=VALUE][:EFFECT]`, as kubectl writes taints, or `*` for all taints. @throws `usage`.
 */
export function parseToleration(text: string): PodToleration {
  if (text === '*') return {}
  const [, key = '', value, effect] = /^([^=:]+)(?:=([^:]*))?(?::(.+))?$/s.exec(text) ?? []
  const isValid =
    qualifiedName.test(key) &&
    (value === undefined || labelValue.test(value)) &&
    (effect === undefined || effects.includes(effect))
  if (isValid) return { key, ...(value !== undefined && { value }), ...(effect !== undefined && { effect }) }
  throw new DrayError('usage', `${JSON.stringify(text)} is not a value of --toleration`, {
    hint: `Write a taint as KEY[=VALUE][:EFFECT], with an effect of ${effects.join(', ')}, or * for all taints.`,
  })
}
