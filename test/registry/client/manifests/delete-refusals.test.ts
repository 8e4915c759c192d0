import { expect, it } from 'vitest'
import { isUnderWay } from '../../../../src/registry/client/manifests/delete-refusals.ts'

it('a delete that fails with 500 is under way at Docker Hub only', () => {
  expect(isUnderWay('docker.io', 500)).toBe(true)
  expect(isUnderWay('docker.io', 503)).toBe(false)
  expect(isUnderWay('registry.example.com', 500)).toBe(false)
})
