import { DrayError } from '../../lib/errors.ts'
import { digestOf, encodedOf } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'

/** One of `count` parts of all repositories. */
export interface Shard {
  /** from 0 up to `count` - 1 */
  readonly index: number
  readonly count: number
}

const maxShards = 10_000

/**
 * Parses `I/N`, with I from 1 to N (vitest, GitLab) or from 0 to N - 1 (Kubernetes, GitHub). N/N
 * and 0/N are the same shard.
 * @throws `usage`.
 */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? []
  const [i, n] = [Number(index), Number(count)]
  if (count === undefined || n < 1 || n > maxShards || i > n) {
    throw new DrayError('usage', `${JSON.stringify(text)} is not a value of --shard`, {
      why: 'the value is the number of the shard and the number of all shards, I/N',
      hint: 'Pass --shard 1/4 to --shard 4/4, or --shard 0/4 to --shard 3/4.',
    })
  }
  return { index: i % n, count: n }
}

/**
 * Whether a repository is in the shard, by the hash of its name. Other repositories do not matter.
 */
export function isInShard(repository: RepositoryName, { index, count }: Shard): boolean {
  const hash = encodedOf(digestOf(formatRepository(repository)))
  return Number.parseInt(hash.slice(0, 12), 16) % count === index
}
