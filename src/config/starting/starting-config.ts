import { formatRetentionSection, type StartingPolicy } from './starting-policies.ts'

/** The choices for a new dray.yaml. */
export interface StartingConfig {
  /** at least one, in the order of promotion */
  readonly environments: readonly StartingEnvironment[]
  /** empty: none are known, and every name is an image */
  readonly images: readonly string[]
  /** a policy and the environment that it applies to */
  readonly retention?: { readonly policy: StartingPolicy; readonly environment: string }
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
export function startingConfig({ environments, images, retention }: StartingConfig, schema?: string): string {
  const sections = environments.map((environment, i) => environmentSection(environment, environments, i))
  return [
    ...(schema === undefined ? [] : [`# yaml-language-server: $schema=${schema}\n`]),
    'version: 1\n',
    '\n# In the order of promotion. dray replaces {image} with the name of an image.\n',
    `environments:\n${sections.join('')}`,
    imagesSection(images),
    ...(retention === undefined
      ? []
      : [`\n${formatRetentionSection(retention.policy, retention.environment)}`]),
  ].join('')
}

function environmentSection(
  { name, registry, path }: StartingEnvironment,
  all: readonly StartingEnvironment[],
  index: number,
): string {
  const before = all[index - 1]
  // Images come to the first environment by push, so dray maintains the tags of the others.
  const hasTags = before !== undefined || all.length === 1
  return [
    `  ${scalar(name)}:`,
    `    registry: ${scalar(registry)}`,
    `    path: ${JSON.stringify(path)}`,
    ...(before === undefined ? [] : [`    promoteFrom: [${scalar(before.name)}]`]),
    ...(hasTags
      ? ['    tags: { semver: [exact, minor, major, latest] } # 1.4.2 moves 1.4, 1 and latest']
      : []),
    '',
  ].join('\n')
}

function imagesSection(images: readonly string[]): string {
  if (images.length > 0) return `\nimages:\n${images.map((image) => `  ${scalar(image)}: {}\n`).join('')}`
  return `
# List your images here. Without the list, name them in each command.
# images:
#   api: {}
`
}

/** Formats text as a YAML scalar, quoted unless it can only be text. */
function scalar(text: string): string {
  const isPlain = /^[a-z][a-z0-9.-]*(?::\d+)?$/.test(text) && !['true', 'false', 'null'].includes(text)
  return isPlain ? text : JSON.stringify(text)
}
