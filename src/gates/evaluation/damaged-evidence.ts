import type { AttachedEvidence } from '../evidence.ts'

/** Whether bytes are missing or damaged: the signers and the content are unknown. */
export function isDamagedEvidence({ content }: AttachedEvidence): boolean {
  return content.kind === 'unreadable' && content.isDamaged === true
}
