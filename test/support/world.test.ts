import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/parse.ts'
import { repositoriesOf } from '../../src/config/environments.ts'
import { world } from './world.ts'

describe('a world', () => {
  it('has its images in staging, complete and with their evidence, and without requests', async () => {
    const w = await world().index('api:1.4.2', ['amd64', 'arm64']).signed().sbom({ signed: true }).start()
    expect(w.staging.requests).toEqual([])
    const api = w.content('api:1.4.2')
    expect(await w.staging.oracle.differences('staging/api', api, '1.4.2')).toEqual([])
    expect(await w.staging.oracle.referrers('staging/api', api.root.digest)).toHaveLength(2)
  })

  it('has evidence under tags if a registry has no referrers API', async () => {
    const w = await world({ staging: 'docker-registry-2.8' }).image('api:1').signed().signed('cosign').start()
    const api = w.content('api:1')
    expect(await w.staging.oracle.differences('staging/api', api, '1')).toEqual([])
    expect(await w.staging.oracle.tags('staging/api')).toHaveLength(3)
  })

  it('returns the requests of a run to all registries', async () => {
    const w = await world({ prod: ['oci-1.1', 'zot-2.1'] })
      .artifact('chart:1')
      .start()
    const seen = await w.during(() => Promise.all(w.registries.map((r) => r.oracle.tags('staging/chart'))))
    expect(seen.map((entry) => entry.status)).toEqual([200, 404, 404])
  })

  it('has a configuration with its registries', async () => {
    const w = await world({ prod: ['oci-1.1', 'oci-1.1'] }).start()
    const { config } = parseConfig({ file: '/dray.yaml', content: w.config }, 'dray.yaml')
    expect(repositoriesOf(config, 'prod', 'api').map((r) => r.registry)).toEqual(w.prod.map((r) => r.host))
  })
})
