import { describe, expect, it } from 'vitest'
import { listRepositories } from '../../../../src/cli/wiring/opening/list-repositories.ts'
import { ghcr } from '../../../../src/embedded/vendors/ghcr/ghcr.ts'
import { DrayError } from '../../../../src/lib/errors.ts'
import { imageManifest, vendorWorld } from '../../../registry/vendors/vendor-world.ts'
import { notedCall } from '../../../support/http-world.ts'

const unsupported = new DrayError('unsupported', 'the registry does not list its repositories')

function catalog(result: readonly string[] | DrayError) {
  return {
    async *repositories() {
      if (result instanceof DrayError) throw result
      yield* result
    },
  }
}

async function inventoryOf(...paths: readonly string[]) {
  const auth = { scheme: 'basic', users: { jane: 'secret' } } as const
  const credential = { kind: 'basic', username: 'jane', password: 'secret' } as const
  const world = await vendorWorld({ kind: 'ghcr', vendor: ghcr, auth, credential })
  for (const path of paths) await world.push(path, imageManifest('a'), '1')
  return world.inventory
}

describe('the repositories of a registry', () => {
  it('come from the catalog if no API of a vendor is known', async () => {
    const of = { registry: 'r.example.com', prefix: 'acme/' }
    expect(await listRepositories(undefined, catalog(['a', 'b']), of, notedCall())).toEqual(['a', 'b'])
  })

  it('come from the API of the vendor if it lists them', async () => {
    const inventory = await inventoryOf('acme/api', 'acme/web', 'other/api')
    const of = { registry: 'ghcr.io', prefix: 'acme/' }
    const found = await listRepositories(inventory, catalog(unsupported), of, notedCall())
    expect(found).toEqual(['acme/api', 'acme/web'])
  })

  it('come from the catalog if the API fails, with a note', async () => {
    const inventory = await inventoryOf()
    const call = notedCall()
    const of = { registry: 'ghcr.io', prefix: '' }
    expect(await listRepositories(inventory, catalog(['a']), of, call)).toEqual(['a'])
    expect(call.events.filter(({ kind }) => kind === 'note')).toEqual([
      { kind: 'note', text: expect.stringMatching(/one owner only; dray reads the catalog/) as string },
    ])
  })

  it('have the error of the API if both fail', async () => {
    const inventory = await inventoryOf()
    const of = { registry: 'ghcr.io', prefix: '' }
    const listed = listRepositories(inventory, catalog(unsupported), of, notedCall())
    await expect(listed).rejects.toMatchObject({ hint: expect.stringContaining('/OWNER/*') as string })
  })
})
