import { gateLines, type StartingGate, trustSections } from './starting-gates.ts'
import { formatRetentionSection, type StartingPolicy } from './starting-policies.ts'

/** The choices for a new dray.yaml. */
export interface StartingConfig {
  /** at least one, in the order of promotion */
  readonly environments: readonly StartingEnvironment[]
  /** empty: none are known, and every name is an image */
  readonly images: readonly string[]
  /** by image: how its tags show that they are to be read; without an entry, by the defaults */
  readonly readings?: ReadonlyMap<string, StartingReading>
  /** a policy and the environment that it applies to */
  readonly retention?: { readonly policy: StartingPolicy; readonly environment: string }
  /** of the last environment */
  readonly gates?: readonly StartingGate[]
}

/** Settings of `images.NAME.tags` that differ from the defaults. */
export interface StartingReading {
  readonly scheme?: 'calver' | 'loose'
  readonly variants?: readonly string[]
  readonly buildMetadata?: boolean
  /** versions are `16.3`, so a promotion must not write the floating tag `16.3` */
  readonly twoNumbers?: boolean
}

export interface StartingEnvironment {
  readonly name: string
  readonly registry: string
  /** contains `{image}` once */
  readonly path: string
}

/**
 * Formats a dray.yaml with comments.
 * @param schema the path of the JSON Schema from the file, for editors; undefined: no line for it
 */
export function startingConfig(
  { environments, images, readings = new Map(), retention, gates = [] }: StartingConfig,
  schema?: string,
): string {
  const hasTwoNumbers = readings.size > 0 && images.every((image) => readings.get(image)?.twoNumbers === true)
  const tags = hasTwoNumbers
    ? '    tags: { semver: [exact, major, latest] } # 16.3 moves 16 and latest'
    : '    tags: { semver: [exact, minor, major, latest] } # 1.4.2 moves 1.4, 1 and latest'
  const last = environments.length - 1
  const needsAttestations = gates.some((gate) => gate.needsAttestations === true)
  const before = environments[last - 1]?.name ?? ''
  const sections = environments.map((environment, i) =>
    environmentSection(environment, environments[i - 1], [
      ...(needsAttestations && i === last - 1 ? ['    attest: true # the soak gate needs it'] : []),
      ...(environments.length > 1 && i === 0 ? [] : [tags]),
      ...(i === last ? gateLines(gates, scalar(before)) : []),
    ]),
  )
  return [
    ...(schema === undefined ? [] : [`# yaml-language-server: $schema=${schema}\n`]),
    'version: 1\n',
    '\n# In the order of promotion. dray replaces {image} with the name of an image.\n',
    `environments:\n${sections.join('')}`,
    imagesSection(images, readings),
    trustSections(gates),
    ...(retention === undefined
      ? []
      : [`\n${formatRetentionSection(retention.policy, retention.environment)}`]),
  ].join('')
}

/**
 * @param more further keys in lines; no tags in the first of several environments: images come to
 * it by push, so dray does not maintain its tags
 */
function environmentSection(
  { name, registry, path }: StartingEnvironment,
  before: StartingEnvironment | undefined,
  more: readonly string[],
): string {
  return [
    `  ${scalar(name)}:`,
    `    registry: ${scalar(registry)}`,
    `    path: ${JSON.stringify(path)}`,
    ...(before === undefined ? [] : [`    promoteFrom: [${scalar(before.name)}]`]),
    ...more,
    '',
  ].join('\n')
}

function imagesSection(images: readonly string[], readings: ReadonlyMap<string, StartingReading>): string {
  if (images.length > 0) {
    const comment =
      readings.size === 0 ? '' : ' # tags: how to read versions, as the tags in the registry show'
    return `\nimages:${comment}\n${images.map((image) => imageLine(image, readings.get(image))).join('')}`
  }
  return `
# List your images here. Without the list, name them in each command.
# images:
#   api: {}
`
}

function imageLine(image: string, { scheme, variants, buildMetadata }: StartingReading = {}): string {
  const tags = [
    ...(scheme === undefined ? [] : [`scheme: ${scheme}`]),
    ...(variants === undefined ? [] : [`variants: [${variants.map(scalar).join(', ')}]`]),
    ...(buildMetadata === true ? ['buildMetadata: true'] : []),
  ]
  return `  ${scalar(image)}: ${tags.length === 0 ? '{}' : `{ tags: { ${tags.join(', ')} } }`}\n`
}

/** Formats text as a YAML scalar, quoted unless it can only be text. */
function scalar(text: string): string {
  const isPlain = /^[a-z][a-z0-9.-]*(?::\d+)?$/.test(text) && !['true', 'false', 'null'].includes(text)
  return isPlain ? text : JSON.stringify(text)
}
