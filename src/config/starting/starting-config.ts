import { imagePlaceholder } from '../config.ts'
import { formatRetentionSection, type StartingPolicy } from './starting-policies.ts'

/** The choices for a new dray.yaml. */
export interface StartingConfig {
  /** the host of the registry for all environments */
  readonly registry: string
  /** at least one, in the order of promotion */
  readonly environments: readonly StartingEnvironment[]
  /** a policy and the environment that it applies to */
  readonly retention?: { readonly policy: StartingPolicy; readonly environment: string }
}

export interface StartingEnvironment {
  readonly name: string
  /** contains `{image}` once */
  readonly path: string
}

/** Formats a dray.yaml with comments. */
export function startingConfig({ registry, environments, retention }: StartingConfig): string {
  const [first] = environments
  const example = first?.path.replace(imagePlaceholder, () => 'api') ?? ''
  const sections = environments.map(({ name, path }, i) =>
    environmentSection(name, path, registry, environments[i - 1]),
  )
  return `version: 1

# Where images are. @${first?.name ?? ''}/api is ${registry}/${example}.
environments:
${sections.join('')}${retention === undefined ? '' : `\n${formatRetentionSection(retention.policy, retention.environment)}`}`
}

function environmentSection(
  name: string,
  path: string,
  registry: string,
  before: StartingEnvironment | undefined,
): string {
  const order =
    before === undefined ? '' : `    # promoteFrom: [${scalar(before.name)}] # from nowhere else\n`
  return `  ${scalar(name)}:\n    registry: ${scalar(registry)}\n    path: ${JSON.stringify(path)}\n${order}`
}

/** Formats text as a YAML scalar, quoted unless it can only be text. */
function scalar(text: string): string {
  const isPlain = /^[a-z][a-z0-9.-]*(?::\d+)?$/.test(text) && !['true', 'false', 'null'].includes(text)
  return isPlain ? text : JSON.stringify(text)
}
