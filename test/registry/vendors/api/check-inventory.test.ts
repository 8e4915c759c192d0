import { describe, expect, it } from 'vitest'
import type { Inventory, InventoryEntry, RemovalOutcome } from '../../../../src/images/inventory/inventory.ts'
import { DrayError } from '../../../../src/lib/errors.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { Secrets } from '../../../../src/registry/http/secrets.ts'
import { checkInventory } from '../../../../src/registry/vendors/api/check-inventory.ts'
import { notedCall } from '../../../support/http-world.ts'

const digest = digestOf('a')
const repository = { registry: 'r.test', path: 'team/api' }
const secret = 'canary-secret'

interface Listed {
  readonly entries?: readonly unknown[]
  readonly paths?: readonly string[]
  readonly outcomes?: readonly RemovalOutcome[]
  readonly error?: Error
}

/** An inventory that lists anything. */
function inventoryOf({ entries = [], paths = [], outcomes = [], error }: Listed): Inventory {
  const secrets = new Secrets()
  secrets.add(secret)
  const inventory: Inventory = {
    kind: 'gitea',
    name: 'Gitea',
    knows: { untagged: true, pushedAt: true, pulledAt: 'no', size: 'no', children: false, locks: false },
    deletes: { manifests: 1, tags: 1, lastTagDeletesManifest: false, restorable: false },
    entries: async function* () {
      yield* entries as readonly InventoryEntry[]
      if (error !== undefined) throw error
    },
    repositories: async function* () {
      yield* paths
    },
    remove: async function* () {
      yield* outcomes
    },
  }
  return checkInventory(inventory, secrets)
}

describe('the entries of an inventory', () => {
  it.each([
    [
      'a tag with an escape sequence',
      { digest, tags: [{ name: '1.4.2\u001b[2J' }] },
      /"1\.4\.2\\u001b\[2J" is not a tag/,
    ],
    ['a tag that is a path', { digest, tags: [{ name: '../../etc' }] }, /is not a tag/],
    ['an empty tag', { digest, tags: [{ name: '' }] }, /is not a tag/],
    ['a digest that is none', { digest: 'sha256:12', tags: [] }, /is not a digest/],
    ['a child that is no digest', { digest, tags: [], children: ['x'] }, /is not a digest/],
    ['a subject that is no digest', { digest, tags: [], subject: 'x' }, /is not a digest/],
    ['a time that is none', { digest, tags: [], pushedAt: Number.NaN }, /a time of sha256:\w+ is not a time/],
    ['a negative time of a tag', { digest, tags: [{ name: 'a', pulledAt: -1 }] }, /is not a time/],
    ['a size that is none', { digest, tags: [], bytes: -1 }, /the size of sha256:\w+ is not a size/],
  ])('are refused with %s', async (_, entry, why) => {
    const listed = Array.fromAsync(inventoryOf({ entries: [entry] }).entries(repository, notedCall()))
    await expect(listed).rejects.toMatchObject({
      code: 'protocol',
      subject: 'r.test/team/api',
      why: expect.stringMatching(why),
    })
  })

  it('may have no time, size or tag', async () => {
    const entry = { digest, tags: [], pulledAt: 'never' }
    const listed = inventoryOf({ entries: [entry] }).entries(repository, notedCall())
    expect(await Array.fromAsync(listed)).toEqual([entry])
  })

  it('have no secret in an error', async () => {
    const error = new DrayError('protocol', `wrong ${secret}`, { why: secret })
    const listed = Array.fromAsync(inventoryOf({ error }).entries(repository, notedCall()))
    await expect(listed).rejects.toMatchObject({ message: 'wrong …', why: '…' })
  })
})

describe('the repositories of an inventory', () => {
  it('begin with the prefix, and have the names of repositories', async () => {
    const list = async (paths: readonly string[]): Promise<readonly string[]> =>
      await Array.fromAsync(inventoryOf({ paths }).repositories?.('team/', notedCall()) ?? [])
    expect(await list(['team/api', 'other/api'])).toEqual(['team/api'])
    await expect(list(['team/../etc'])).rejects.toMatchObject({ code: 'protocol' })
  })
})

it('the outcomes of an inventory have no secret', async () => {
  const removal = { kind: 'tag', tag: 'a', digest } as const
  const error = new DrayError('forbidden', `wrong ${secret}`)
  const outcomes: RemovalOutcome[] = [
    { removal, result: 'removed' },
    { removal, result: 'protected', text: `locked by ${secret}` },
    { removal, result: 'failed', error },
  ]
  const inventory = inventoryOf({ outcomes })
  const settled = await Array.fromAsync(inventory.remove?.(repository, [removal], notedCall()) ?? [])
  expect(settled).toMatchObject([
    { result: 'removed' },
    { result: 'protected', text: 'locked by …' },
    { result: 'failed', error: { message: 'wrong …' } },
  ])
})
