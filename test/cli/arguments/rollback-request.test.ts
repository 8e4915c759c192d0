import { expect, it } from 'vitest'
import { rollbackRequest } from '../../../src/cli/arguments/rollback-request.ts'
import { emptyConfig } from '../../../src/config/config.ts'
import { digestOf } from '../../../src/oci/digest.ts'

const digest = digestOf('x')

it.each([
  [':1.3.9', 'Omit it, and pass --to 1.3.9.'],
  [`@${digest}`, `Omit it, and pass --to ${digest}.`],
  // --to accepts no floating tag.
  [':latest', 'Omit it.'],
])('an image with %s gets a fix that rollback accepts', (release, hint) => {
  const image = `r.example/prod/api${release}`
  const options = { image, env: undefined, to: undefined, partial: false, cwd: '/p' }
  expect(() => rollbackRequest(options, emptyConfig)).toThrow(
    expect.objectContaining({ code: 'usage', hint }),
  )
})
