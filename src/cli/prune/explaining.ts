import type { Call } from '../../lib/call.ts'
import type { Config } from '../../config/config.ts'
import { repositoriesOf } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import { defaultTag, formatRepository, type RepositoryName, type TagOrDigest } from '../../oci/reference.ts'
import { explain } from '../../usecases/prune/policy/explain.ts'
import type { Explanation } from '../../usecases/prune/policy/explanation.ts'
import { addressNamed } from '../arguments/address-word.ts'
import type { Context } from '../wiring/context.ts'
import { pruneInputs, type PruneSaid } from './prune-inputs.ts'
import { lookAt } from './prune-run.ts'
import { asUsage } from '../command/usage-error.ts'

/** Explains what the policy does with one image. @throws `usage`, `config`, `not-found`, and as a prune of that repository. */
export async function explainImage(
  word: string,
  said: Omit<PruneSaid, 'words' | 'exclude' | 'shard'>,
  context: Context,
  call: Call,
): Promise<Explanation> {
  const { config } = await context.config()
  const { repository, at } = placeOf(word, config)
  const name = formatRepository(repository)
  const inputs = await pruneInputs({ ...said, words: [name], exclude: [], shard: undefined }, context, call)
  const [scoped] = inputs.scope.repositories
  if (scoped === undefined) throw new DrayError('internal', `${name} is not in its own scope`)
  const grounds = await lookAt(scoped, inputs, context, call)
  return explain(grounds, scoped.policy, at)
}

function placeOf(
  word: string,
  config: Config,
): { readonly repository: RepositoryName; readonly at: TagOrDigest } {
  const address = addressNamed(word, config)
  switch (address.kind) {
    case 'reference': {
      const { registry, path } = address.reference
      return { repository: { registry, path }, at: atOf(address.reference) }
    }
    case 'image': {
      const [repository, ...others] = asUsage(() =>
        repositoriesOf(config, address.environment, address.image),
      )
      if (repository !== undefined && others.length === 0) return { repository, at: atOf(address) }
      throw new DrayError('usage', `${word} is in several registries`, {
        hint: `Name one: ${[repository, ...others].flatMap((one) => (one === undefined ? [] : [formatRepository(one)])).join(', ')}.`,
      })
    }
    case 'environment':
    case 'layout':
      throw new DrayError('usage', `${word} names no image in a registry`, {
        hint: 'Name a tag or digest: @dev/api:pr-12, registry.example.com/dev/api@sha256:….',
      })
  }
}

function atOf({
  tag,
  digest,
}: {
  readonly tag?: string
  readonly digest?: Extract<TagOrDigest, { digest: unknown }>['digest']
}): TagOrDigest {
  return digest !== undefined ? { digest } : { tag: tag ?? defaultTag }
}
