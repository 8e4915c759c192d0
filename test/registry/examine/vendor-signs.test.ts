import { expect, it } from 'vitest'
import { vendorOfChallenges } from '../../../src/registry/examine/vendor-signs.ts'
import { parseChallenges } from '../../../src/registry/http/auth/challenge.ts'

it.each([
  ['Bearer realm="https://harbor.example/service/token",service="harbor-registry"', 'harbor'],
  ['Bearer realm="https://git.example/v2/token",service="container_registry",scope="*"', 'gitea'],
  ['Bearer realm="https://gitlab.example/jwt/auth",service="container_registry"', 'gitlab'],
  ['Bearer realm="https://quay.example/v2/auth",service="quay.example"', 'quay'],
  ['Bearer realm="https://auth.docker.io/token",service="registry.docker.io"', undefined],
  ['Bearer realm="https://other.example/service/token",service="other"', undefined],
  ['Basic realm="harbor-registry"', undefined],
  ['Bearer realm="not a URL",service="harbor-registry"', undefined],
  ['', undefined],
])('the challenge %s shows the vendor %s', (challenge, kind) => {
  expect(vendorOfChallenges(parseChallenges(challenge))).toBe(kind)
})
