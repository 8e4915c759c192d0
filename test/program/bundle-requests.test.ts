import { describe, expect, it } from 'vitest'
import { carrier } from '../support/bundles/carrier.ts'
import { image } from '../support/images.ts'

const names = Array.from({ length: 30 }, (_, i) => `app-${i}`)
/** 6 layers, 3 of them shared by all images */
const contentOf = (name: string) =>
  image({ label: name, layers: ['s1', 's2', 's3', ...[1, 2, 3].map((n) => `${name} ${n}`)] })

describe('the requests of dray bundle apply', () => {
  it(
    'are at most 560 for 30 new images with 6 layers, and 22 for an increment',
    { timeout: 60_000 },
    async () => {
      await using world = await carrier()
      for (const name of names) await world.source.oracle.push(contentOf(name), name, '1')
      await world.create(
        'base.tar',
        names.map((name) => `${name}:1`),
      )
      world.destination.forget()
      expect(await world.apply('base.tar')).toMatchObject({ code: 0 })
      const full = world.destination.requests.length
      await world.source.oracle.push(contentOf('next'), 'app-0', '2')
      await world.create('next.tar', ['app-0:2'], '--since', 'base.tar.receipt.json')
      world.destination.forget()
      expect(await world.apply('next.tar')).toMatchObject({ code: 0 })
      const increment = world.destination.requests.length
      expect(full).toBeLessThanOrEqual(560)
      expect(increment).toBeLessThanOrEqual(22)
    },
  )
})
