import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { advance, formatLine, startOfChain } from '../../src/audit/log/chain.ts'
import { formatHead } from '../../src/audit/log/head.ts'
import type { AuditRecord, LogRecord } from '../../src/audit/log/record.ts'
import { outcome, record, refusal, tagStep } from './audit-log.ts'

/** Writes records as a log with its head, and returns the lines. */
export function writeLog(path: string, records: readonly LogRecord[]): readonly string[] {
  let end = startOfChain
  const lines = records.map((one) => {
    const line = formatLine(one, end)
    end = advance(end, Buffer.from(line))
    return line
  })
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
  writeFileSync(`${path}.head`, formatHead({ ...end, settled: { seq: 0, offset: 0 } }))
  return lines
}

/** Intents and outcomes of moved tags, a second apart, and a refusal at the end. */
export function exampleRecords(changes = 3): readonly AuditRecord[] {
  const base = { image: 'api:1.4.2', environment: { from: 'staging', to: 'prod' } }
  const moved = Array.from({ length: changes }, (_, i): readonly AuditRecord[] => {
    const more = { ...base, step: tagStep(`s${i}`, { tag: `1.4.${i}` }), time: timeOf(i) }
    return [
      record({ ...more, before: null }),
      outcome({ ...more, before: null, after: more.step.target.digest }),
    ]
  })
  const error = { code: 'refused', message: 'the tag 1.4.2 is on another image' } as const
  return [...moved.flat(), refusal({ ...base, error, time: timeOf(changes) })]
}

/**
 * Writes a new key pair for checkpoints to a folder: `audit.pem`, and its public half
 * `audit.pub.pem`.
 */
export function writeKeys(folder: string, password?: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const secret = password === undefined ? {} : { cipher: 'aes-256-cbc', passphrase: password }
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem', ...secret })
  writeFileSync(join(folder, 'audit.pem'), pem)
  writeFileSync(join(folder, 'audit.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }))
}

function timeOf(second: number): string {
  return new Date(Date.UTC(2026, 10, 23) + second * 1000).toISOString()
}
