import { formatRepository, layoutRegistry, type RepositoryName } from '../../oci/reference.ts'
import { matchesAnyGlob } from '../../oci/tag-glob.ts'
import { matchesRepository } from '../../selectors/repository-pattern.ts'
import type { Config } from '../config.ts'
import { findImagesAt } from '../environments.ts'
import { formatKeyPath } from '../key-path.ts'
import { RegistryNames } from '../registry-names.ts'
import { parseRepositoryPattern } from '../resolver/repository-pattern.ts'
import type { ResidencyPolicy, ResidencyRule } from './residency.ts'

type RepositoryTest = (repository: RepositoryName) => boolean

/** The residency of `dray.yaml`, ready to be evaluated. */
export interface Residency {
  readonly default: ResidencyPolicy['default']
  readonly rules: readonly CompiledResidencyRule[]
  /**
   * The names that a rule can select an image by: its names in the environments that hold the
   * repository. A repository outside every environment has each end of its path as a name, and an
   * image layout has none.
   */
  readonly imageNames: (repository: RepositoryName) => readonly string[]
}

export interface CompiledResidencyRule {
  /** the key in `dray.yaml`: `residency.rules[0]` */
  readonly key: string
  readonly selectsImage?: (image: string) => boolean
  readonly selectsSource?: RepositoryTest
  readonly labels?: Readonly<Record<string, string>>
  readonly allow?: RepositoryTest
  readonly deny?: RepositoryTest
  /** the patterns of `allow` and `deny` as they are written, for messages */
  readonly patterns: Pick<ResidencyRule, 'allow' | 'deny'>
}

/** Import this file lazily: it loads the engine of regular expressions. */
export function compileResidency(config: Config, policy: ResidencyPolicy): Residency {
  return {
    default: policy.default,
    rules: policy.rules.map((rule) => compileRule(rule, config)),
    imageNames: (repository) => imageNames(config, repository),
  }
}

function compileRule(rule: ResidencyRule, config: Config): CompiledResidencyRule {
  const { path, images, from, labels, allow, deny } = rule
  return {
    key: formatKeyPath(path),
    ...(images !== undefined && { selectsImage: (image) => matchesAnyGlob(images, image) }),
    ...(from !== undefined && { selectsSource: repositoryTest(from, config) }),
    ...(labels !== undefined && { labels }),
    ...(allow !== undefined && { allow: repositoryTest(allow, config) }),
    ...(deny !== undefined && { deny: repositoryTest(deny, config) }),
    patterns: { ...(allow !== undefined && { allow }), ...(deny !== undefined && { deny }) },
  }
}

function repositoryTest(texts: readonly string[], config: Config): RepositoryTest {
  const names = new RegistryNames(config.registries)
  const isAnyLayout = texts.some((text) => text.startsWith(layoutRegistry))
  const patterns = texts
    .filter((text) => !text.startsWith(layoutRegistry))
    .map((text) => parseRepositoryPattern(text, config))
  return (repository) => {
    if (repository.registry === layoutRegistry) return isAnyLayout
    const images = findImagesAt(config, repository)
    return patterns.some((pattern) => matchesRepository(pattern, repository, images, names))
  }
}

function imageNames(config: Config, repository: RepositoryName): readonly string[] {
  if (repository.registry === layoutRegistry) return []
  const images = findImagesAt(config, repository).map(({ image }) => image)
  if (images.length > 0) return images
  const components = formatRepository(repository).split('/').slice(1)
  return components.map((_, i) => components.slice(i).join('/'))
}
