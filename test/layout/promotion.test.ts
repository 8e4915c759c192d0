import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { LayoutRepositories } from '../../src/layout/layout-repositories.ts'
import type { RepositoryName } from '../../src/oci/reference.ts'
import type { Repositories } from '../../src/images/ports.ts'
import * as images from '../support/images.ts'
import { layoutDifferences, listLayout, writeLayout } from '../support/layouts.ts'
import { type Bench, bench, promote, repository } from '../support/promotion.ts'
import { tempFolder } from '../support/temp.ts'
import { watchedRegistry } from '../support/world.ts'

const layout = (path: string): RepositoryName => ({ registry: 'oci:', path })

function withLayouts(run: Bench, cwd: string): Bench {
  const layouts = new LayoutRepositories(cwd, systemClock)
  const stores: Repositories = {
    source: (name) => (name.registry === 'oci:' ? layouts : run.stores).source(name),
    target: (name) => (name.registry === 'oci:' ? layouts : run.stores).target(name),
  }
  return { ...run, stores }
}

it('promotes an index with its evidence from a layout to a registry and back, and writes nothing the second time', async () => {
  const cwd = await tempFolder()
  await using registry = await watchedRegistry()
  await using plain = await bench()
  const run = withLayouts(plain, cwd)
  const image = images.index(['linux/amd64', 'linux/arm64'])
  const sbom = images.referrer(image)
  const ofChild = images.referrer(image.manifests[0]?.descriptor ?? image.root)
  const cosign = images.cosignSignature(image)
  const content = images.together(image, sbom, images.referrer(sbom), ofChild, cosign)
  writeLayout(join(cwd, 'a'), content, '1.4.2')

  const up = { from: layout('a'), to: [repository(registry, 'prod/api')] }
  const down = { from: repository(registry, 'prod/api'), to: [layout('b')] }
  const across = { from: layout('b'), to: [layout('c')] }
  for (const promotion of [up, down, across]) {
    expect((await promote(run, promotion)).steps.filter((step) => step.result !== 'done')).toEqual([])
  }
  expect(await registry.oracle.differences('prod/api', content, '1.4.2')).toEqual([])
  for (const name of ['b', 'c']) {
    expect(layoutDifferences(join(cwd, name), content)).toEqual([])
    expect(listLayout(join(cwd, name))).toEqual(listLayout(join(cwd, 'a')))
  }

  const before = readFileSync(join(cwd, 'c/index.json'))
  const again = await promote(run, across)
  expect(again.steps.filter((step) => step.result === 'done')).toEqual([])
  expect(readFileSync(join(cwd, 'c/index.json')).equals(before)).toBe(true)
})
