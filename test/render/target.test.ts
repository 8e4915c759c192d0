import { expect, it } from 'vitest'
import { parseRepository } from '../../src/oci/reference.ts'
import { formatDestination } from '../../src/render/placement-end.ts'
import { formatTargetName } from '../../src/render/target.ts'

it.each([
  [['eu.registry.example.com', 'us.registry.example.com'], 'prod (eu), prod (us)'],
  [
    ['1.dkr.ecr.eu-west-1.amazonaws.com', '1.dkr.ecr.us-east-1.amazonaws.com'],
    'prod (eu-west-1), prod (us-east-1)',
  ],
  [['example.com', 'eu.example.com'], 'prod (example.com), prod (eu.example.com)'],
  [['localhost:5000', 'localhost:5001'], 'prod (localhost:5000), prod (localhost:5001)'],
  [['127.0.0.1:5000', '127.0.0.1:5001'], 'prod (127.0.0.1:5000), prod (127.0.0.1:5001)'],
  [['r.example.com', 'r.example.com'], 'prod (1), prod (2)'],
  [['r.example.com'], 'prod'],
])('targets at %j are called %s', (registries, names) => {
  const all = registries.map((registry, i) => ({ registry, path: `p${i}/api` }))
  expect(all.map((_, i) => formatTargetName('prod', i, all)).join(', ')).toBe(names)
})

it.each([
  [['eu.example.com/prod'], 'prod'],
  [['eu.example.com/prod', 'us.example.com/prod'], 'prod (eu.example.com), prod (us.example.com)'],
  [['r.example.com/eu', 'r.example.com/us'], 'prod (r.example.com/eu), prod (r.example.com/us)'],
])('destinations at %j are called %s', (repositories, names) => {
  const all = repositories.map((name) => ({
    image: 'api:1.4.2',
    to: { environment: 'prod', repository: parseRepository(name) },
  }))
  expect(all.map((one) => formatDestination(one, all)).join(', ')).toBe(names)
})
