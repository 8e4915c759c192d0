import { expect, it } from 'vitest'
import type { Diagnosis } from '../../../src/usecases/views/doctor.ts'
import { renderDiagnoses } from '../../../src/render/views/doctor.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

const diagnosis: Diagnosis = {
  registry: 'r.test',
  origin: 'https://r.test',
  repository: 'team/api',
  findings: [
    { check: 'connection', state: 'ok', saw: 'https://r.test at 192.0.2.1, open in 20 ms' },
    {
      check: 'tls',
      state: 'problem',
      saw: 'TLSv1.3, \u001b[31mr.test\u001b[0m, issued by \u202eevil: not trusted (SELF_SIGNED_CERT_IN_CHAIN)',
      hint: 'If r.test uses a private certificate authority, name that in dray.yaml.',
    },
    {
      check: 'deleteTag',
      state: 'unknown',
      saw: 'not observed',
      hint: 'Pass --write REPOSITORY to test this.',
    },
    { check: 'mount', state: 'unknown', saw: 'not observed', hint: 'Pass --write REPOSITORY to test this.' },
    { check: 'catalog', state: 'unknown', saw: 'not observed' },
  ],
}

it('a diagnosis fits a terminal, has a hint below each finding, and escapes control characters', () => {
  const text = renderDiagnoses([diagnosis], { style: plainStyle, width: 72 })
  expect(text).toBe(
    [
      'r.test/team/api',
      'ok       connection       https://r.test at 192.0.2.1, open in 20 ms',
      'problem  TLS              TLSv1.3, \\x1b[31mr.test\\x1b[0m, issued by',
      '                          \\u{202e}evil: not trusted',
      '                          (SELF_SIGNED_CERT_IN_CHAIN)',
      '                          If r.test uses a private certificate',
      '                          authority, name that in dray.yaml.',
      'unknown                   tag deletion, layer mounts',
      '                          Pass --write REPOSITORY to test this.',
      'unknown                   catalog',
    ].join('\n'),
  )
})

it('a finding is one line in a pipe, and its hint another', () => {
  expect(renderDiagnoses([diagnosis], { style: plainStyle, width: undefined }).split('\n')).toHaveLength(7)
})
