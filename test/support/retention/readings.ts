import * as fc from 'fast-check'
import type { ReadingData } from './oracle/versions.ts'

/** How the tags of random repositories are read. Often the default. */
export const readings: fc.Arbitrary<ReadingData> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        scheme: fc.constantFrom('semver' as const, 'calver' as const, 'loose' as const),
        variants: fc.subarray(['alpine', 'slim', 'debian-*', '*-slim'], { minLength: 1 }),
        ignoreVersions: fc.subarray(['9.*', '*_amd64', '2024*', '1.1.1-*'], { minLength: 1, maxLength: 2 }),
        buildMetadata: fc.boolean(),
        semver: fc.constantFrom(['exact', 'minor', 'major', 'latest'], ['exact', 'latest']),
      },
      { requiredKeys: [] },
    ),
  },
)
