import { expect, it } from 'vitest'
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
