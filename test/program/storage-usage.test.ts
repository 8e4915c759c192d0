import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseExposition } from '../support/exposition.ts'
import { image } from '../support/images.ts'
import { warmWorkplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

it('dray usage shows what it can read, writes metrics, and exits with 4 for the rest', async () => {
  await using registry = await watchedRegistry()
  await registry.oracle.push(image({ label: 'a', layers: ['base', 'a'] }), 'prod/api', '1.0.0')
  await registry.oracle.push(image({ label: 'b', layers: ['base', 'b'] }), 'prod/api', '1.1.0')
  const place = await warmWorkplace(
    JSON.stringify({
      version: 1,
      environments: {
        prod: { registry: registry.host, path: 'prod/{image}' },
        down: { registry: '127.0.0.1:1', path: 'prod/{image}' },
      },
      images: { api: {} },
    }),
  )
  const partly = await place.run('usage', '--metrics', 'usage.prom')
  expect([partly.code, partly.stdout.split('\n')[2]]).toEqual([4, '@down/api   unreachable'])
  expect(partly.stderr).toContain('cannot connect to 127.0.0.1:1')
  const samples = parseExposition(await readFile(join(place.folder, 'usage.prom'), 'utf8'))
  expect(samples.find(({ name }) => name === 'dray_usage_unreachable')?.value).toBe(1)
  const whole = await place.run('usage', '@prod', '--by', 'layer', '--json')
  const { result } = JSON.parse(whole.stdout) as { readonly result: { readonly layers: readonly object[] } }
  expect([whole.code, result.layers]).toEqual([
    0,
    expect.arrayContaining([expect.objectContaining({ images: 2 })]),
  ])
  const names = await place.run('usage', '@prod', '--by', 'tag', '-o', 'name')
  expect(names.stdout).toBe(`${registry.host}/prod/api:1.0.0\n${registry.host}/prod/api:1.1.0\n`)
  const wrong = await place.run('usage', '--not-pulled', 'soon')
  expect([wrong.code, wrong.stderr]).toEqual([
    64,
    expect.stringContaining('--not-pulled "soon" is not an age'),
  ])
})
