// What the server refuses, in the language of the screen. It writes English: the sentences an officer meets are known
// here, and of any other the kind is said before it.

import { language, t } from './words.js';

const SENTENCES = [
  [/^That user name and password do not go together/, () => t('That user name and password do not go together.')],
  [/^That is not your PIN\. Wrong ones left: (\d+)/, (left) => t('That is not your PIN. Wrong ones left: {left}.', { left })],
  [/^No PIN does here now/, () => t('No PIN does here now; give your password.')],
  [/^Too many failed attempts; try again in (\d+) s/, (seconds) => t('Too many failed attempts; try again in {seconds} s.', { seconds })],
  [/^Somebody changed this|^Another process was quicker/, () => t('Somebody changed it first; look again. Nothing of yours was recorded.')],
  [/^This note was corrected before/, () => t('This note was corrected before; look for the newer one.')],
  [/^This note was retracted/, () => t('This note was taken back before.')],
  [/^This need ended with the note/, () => t('This need ended with the note it came from; write a new note if it stands.')],
];
const KINDS = {
  invalid: () => t('Something in it needs correcting'),
  unauthenticated: () => t('Log in first'),
  forbidden: () => t('Your role does not allow this'),
  'not-found': () => t('Nothing here that you may see'),
  conflict: () => t('Not possible as things stand'),
  stale: () => t('It has changed since you read it'),
  'too-large': () => t('It is too large'),
  'too-many': () => t('Too many attempts'),
  overloaded: () => t('The service cannot do this right now'),
  'quota-exceeded': () => t('The service cannot do this right now'),
  unavailable: () => t('The service cannot do this right now'),
};

export function refusal(problem) {
  const detail = (problem && problem.detail) || '';
  if (language() === 'en' || !detail) return detail;
  for (const [pattern, said] of SENTENCES) {
    const found = pattern.exec(detail);
    if (found) return said(...found.slice(1));
  }
  const kind = KINDS[String(problem.type || '').split('/').pop()];
  return kind ? `${kind()}: ${detail}` : detail;
}
