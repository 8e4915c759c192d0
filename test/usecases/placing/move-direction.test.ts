import { expect, it } from 'vitest'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import type { HighestPrecondition } from '../../../src/plan/plan.ts'
import { readMoveDirection } from '../../../src/usecases/placing/move-direction.ts'
import { notedCall } from '../../support/http-world.ts'
import { tagStores } from '../../support/tag-stores.ts'

const repository = { registry: 'registry.example.com', path: 'prod/api' }
const rule: HighestPrecondition = {
  kind: 'highest',
  repository,
  line: { major: 1 },
  version: '1.5.0',
  buildMetadata: false,
}
const versions = ['1.3.0', '1.4.0', '1.5.0', '2.0.0']
const tags = Object.fromEntries(versions.map((version) => [version, digestOf(version)]))

const directionOf = async (from: Digest | null, to: Digest | null, known = tags) => {
  const world = tagStores(known)
  const direction = await readMoveDirection({ from, to, rule }, world.stores.target(repository), notedCall())
  return { direction, requests: world.requests }
}

it.each<[string, Digest | null, Digest | null, string]>([
  ['to a higher version is forward', digestOf('1.3.0'), digestOf('1.4.0'), 'forward'],
  ['to a lower version is backward', digestOf('1.4.0'), digestOf('1.3.0'), 'backward'],
  ['onto a version, where there was no tag, is forward', null, digestOf('1.4.0'), 'forward'],
  ['from an image without a version is forward', digestOf('other'), digestOf('1.4.0'), 'forward'],
  ['to an image without a version is backward', digestOf('1.4.0'), digestOf('other'), 'backward'],
  ['between images without a version is unknown', digestOf('other'), digestOf('one more'), 'unknown'],
  ['to a version of another line is unknown', null, digestOf('2.0.0'), 'unknown'],
  ['of a tag that is gone is unknown', digestOf('1.4.0'), null, 'unknown'],
])('a move %s', async (_, from, to, direction) => {
  expect(await directionOf(from, to)).toMatchObject({ direction })
})

it('the versions are resolved from the highest one down, up to a limit', async () => {
  const many = Array.from({ length: 100 }, (_, patch) => [`1.0.${patch}`, digestOf(`${patch}`)] as const)
  const { direction, requests } = await directionOf(null, digestOf('0'), Object.fromEntries(many))
  expect(direction).toBe('unknown')
  expect(requests.filter((one) => one.startsWith('HEAD'))).toHaveLength(64)
  expect(requests).not.toContain('HEAD 1.0.0')
})
