import { expect, it } from 'vitest'
import { toProd, workplace } from '../support/workplace.ts'
import { world } from '../support/world.ts'

it('runs that promote four versions at once end with the highest one under the floating tags', async () => {
  const versions = ['1.4.0', '1.4.1', '1.5.0', '2.0.0']
  const registries = await versions
    .reduce((builder, version) => builder.image(`api:${version}`), world())
    .start()
  const config = JSON.parse(registries.config) as { environments: { prod: object } }
  config.environments.prod = {
    ...config.environments.prod,
    tags: { semver: ['exact', 'minor', 'major', 'latest'] },
  }
  const project = await workplace(JSON.stringify(config))
  const runs = await Promise.all(versions.map((version) => project.run(...toProd(`api:${version}`))))
  expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual(
    runs.map(({ stdout }) => ({ code: 0, stdout })),
  )
  const { oracle } = registries.staging
  const highest = { latest: '2.0.0', '2': '2.0.0', '1': '1.5.0', '1.5': '1.5.0', '1.4': '1.4.1' }
  for (const [tag, version] of Object.entries(highest))
    expect(await oracle.digest('prod/api', tag)).toBe(registries.content(`api:${version}`).root.digest)
})
