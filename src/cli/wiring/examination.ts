import type { Clock } from '../../lib/clock.ts'
import type { Certificates } from '../../registry/http/transport/certificates.ts'
import { type Proxy, proxyFor, type ProxyVariables } from '../../registry/http/transport/proxy.ts'
import type { FetchOptions, FetchStack } from '../../registry/http/stack.ts'
import { createExaminer, type Examiner } from '../../registry/examine/examiner.ts'

const maxAttempts = 2

/**
 * How often a request is sent and how long it may stall during an examination: a person is waiting.
 */
export const examinationPace: Pick<FetchOptions, 'maxAttempts' | 'limits'> = {
  maxAttempts,
  limits: { headersMs: 5_000, stallMs: 5_000, sourceMs: 5_000 },
}

/** The ports of `dray doctor`. */
export interface Examination {
  readonly examiner: Examiner
  readonly origin: (registry: string) => URL
  readonly certificates: (registry: string) => Promise<Certificates>
  readonly proxy: (address: URL) => Proxy | undefined
}

/** @param stack opened with `examinationPace` */
export function createExamination(stack: FetchStack, env: ProxyVariables, clock: Clock): Examination {
  const origin = (registry: string): URL => stack.origin(registry)
  const examiner = createExaminer({
    fetch: stack.fetch,
    anonymous: stack.anonymous,
    origin,
    clock,
    random: Math.random,
    maxAttempts,
    secrets: stack.secrets,
    speaksTls: (registry, call) => stack.speaksTls(registry, call),
  })
  return {
    examiner,
    origin,
    certificates: (registry) => stack.certificates(registry),
    proxy: (address) => proxyFor(address, env),
  }
}
