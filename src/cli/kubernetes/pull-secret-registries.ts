import { type Config, imagePlaceholder } from '../../config/config.ts'
import { environmentNamed } from '../../config/environments.ts'
import { parseEnvironmentOption } from '../../config/resolver/argument-grammar.ts'
import { type RegistryOrRepository, resolveRegistries } from '../../config/resolver/resolve-registry.ts'

/**
 * Returns the registries and namespaces of the arguments, each once. An environment gives the
 * namespace of each target: `prod/{image}` gives `prod`.
 * @throws `usage`.
 */
export function resolveSecretRegistries(
  texts: readonly string[],
  config: Config,
): readonly RegistryOrRepository[] {
  const all = texts.flatMap((text) =>
    /^@[^/]+$/.test(text) ? namespacesOf(text, config) : resolveRegistries(text, config),
  )
  return [...new Map(all.map((one) => [`${one.registry}/${one.path ?? ''}`, one])).values()]
}

function namespacesOf(text: string, config: Config): readonly RegistryOrRepository[] {
  const { targets } = environmentNamed(config, parseEnvironmentOption(text))
  return targets.map(({ registry, path }) => {
    const [before = ''] = path.split(imagePlaceholder)
    const namespace = before.split('/').slice(0, -1).join('/')
    return { registry, ...(namespace !== '' && { path: namespace }) }
  })
}
