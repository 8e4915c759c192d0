import { formatRepository, layoutRegistry, type RepositoryName } from '../../../oci/reference.ts'
import type { Config } from '../../config.ts'
import { RegistryNames } from '../../registry-names.ts'
import { destinationsOf, sourceOf } from '../destinations.ts'
import type { RelativePattern, SyncDestination, SyncRule } from '../sync-rule.ts'
import { type Affixes, type ComparisonBudget, TextSet } from './text-set.ts'

/** The names of some repositories, one text for all names of each (`RegistryNames.identity`). */
export class RepositoryNames {
  /** the one name, or the pattern of the names */
  readonly text: string
  readonly isPlain: boolean
  /** for messages */
  readonly shown: string
  #set: TextSet | undefined

  constructor(text: string, isPlain: boolean, shown: string) {
    this.text = text
    this.isPlain = isPlain
    this.shown = shown
  }

  get set(): TextSet {
    this.#set ??= this.isPlain ? TextSet.ofText(this.text) : TextSet.ofPaths(this.text)
    return this.#set
  }

  /** Whether both have a repository in common. False if the budget is spent. */
  meets(other: RepositoryNames, budget: ComparisonBudget): boolean {
    if (!budget.spend()) return false
    if (this.isPlain && other.isPlain) return this.text === other.text
    const [a, b] = [beginningOf(this), beginningOf(other)]
    return (a.startsWith(b) || b.startsWith(a)) && this.set.meets(other.set, budget)
  }
}

/** Repositories that a rule copies to one destination: those of a pattern, or a single one. */
export interface Flow {
  /** the index of the rule */
  readonly rule: number
  /** the index in `to` */
  readonly entry: number
  readonly source: RepositoryNames
  readonly destination: RepositoryNames
  /** The destinations of some of its sources. */
  follow(sources: TextSet): TextSet
}

/** Takes the place of the path below `from`, to find the texts around it. No name contains it. */
const placeholder = '\0'

/**
 * Returns the flows of a rule without mistakes.
 * @param index of the rule
 */
export function flowsOf(rule: SyncRule, index: number, config: Config): readonly Flow[] {
  const names = new RegistryNames(config.registries)
  return rule.repositories.flatMap((pattern) =>
    rule.to.flatMap((destination, entry) =>
      pathsOf(pattern, rule, destination, config).flatMap(({ text, isPlain }): readonly Flow[] =>
        isPlain
          ? plainFlows(rule, { path: text, destination, config, names }).map((flow) => ({
              ...flow,
              rule: index,
              entry,
            }))
          : patternFlows(rule, { path: text, destination, config, names }).map((flow) => ({
              ...flow,
              rule: index,
              entry,
            })),
      ),
    ),
  )
}

type PathOfRule = Pick<RelativePattern, 'text' | 'isPlain'>

/** The images of the file that a pattern selects, if an environment limits them to these. */
function pathsOf(
  pattern: RelativePattern,
  { from }: SyncRule,
  to: SyncDestination,
  { images }: Config,
): readonly PathOfRule[] {
  const isLimited = images !== undefined && (from.kind === 'environment' || to.kind === 'environment')
  if (pattern.isPlain || !isLimited) return [pattern]
  return [...images.keys()]
    .filter((image) => pattern.regex.match(image) !== undefined)
    .map((text) => ({ text, isPlain: true }))
}

interface FlowParts {
  readonly path: string
  readonly destination: SyncDestination
  readonly config: Config
  readonly names: RegistryNames
}

type OwnFlow = Omit<Flow, 'rule' | 'entry'>

function plainFlows(rule: SyncRule, { path, destination, config, names }: FlowParts): readonly OwnFlow[] {
  const source = plainName(sourceOf(rule, path, config), names)
  return destinationsOf({ to: [destination] }, path, config).map(({ repository }) => {
    const to = plainName(repository, names)
    return { source, destination: to, follow: () => to.set }
  })
}

function patternFlows(rule: SyncRule, { path, destination, config, names }: FlowParts): readonly OwnFlow[] {
  const from = templateOf(rule.from, config)[0]
  if (from === undefined) return []
  const before = affixesOf(from, names)
  return templateOf(destination, config).map((template) => {
    const after = affixesOf(template, names)
    return {
      source: patternName(before, path, from),
      destination: patternName(after, path, template),
      follow: (sources) => sources.rewrite(before, after),
    }
  })
}

/** The repositories of a place, with the placeholder in place of the path. */
function templateOf(place: SyncRule['from'] | SyncDestination, config: Config): readonly RepositoryName[] {
  switch (place.kind) {
    case 'environment':
      return (config.environments.get(place.environment)?.targets ?? []).map(({ registry, path }) => ({
        registry,
        path: path.replace('{image}', placeholder),
      }))
    case 'layout':
      return [{ registry: layoutRegistry, path: place.folder.replace('{repository}', placeholder) }]
    case 'registry': {
      const { registry } = place
      if ('path' in place) return [{ registry, path: place.path.replace('{repository}', placeholder) }]
      return [{ registry, path: place.prefix === '' ? placeholder : `${place.prefix}/${placeholder}` }]
    }
  }
}

function identityOf(repository: RepositoryName, names: RegistryNames): string {
  return repository.registry === layoutRegistry ? formatRepository(repository) : names.identity(repository)
}

function affixesOf(template: RepositoryName, names: RegistryNames): Affixes {
  const [before = '', after = ''] = identityOf(template, names).split(placeholder)
  return { before, after }
}

function plainName(repository: RepositoryName, names: RegistryNames): RepositoryNames {
  return new RepositoryNames(identityOf(repository, names), true, formatRepository(repository))
}

function patternName({ before, after }: Affixes, path: string, template: RepositoryName): RepositoryNames {
  const shown = formatRepository(template).replace(placeholder, () => path)
  return new RepositoryNames(`${before}${path}${after}`, false, shown)
}

/** The characters that every name begins with. */
function beginningOf({ text, isPlain }: RepositoryNames): string {
  const star = isPlain ? -1 : text.indexOf('*')
  if (star < 0) return text
  // `a/**/b` has the name a/b.
  return text.slice(0, star)
}
