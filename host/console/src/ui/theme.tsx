// Light or dark, as the reader or their system has it.

import { App as AntApp, ConfigProvider, theme } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import dayjs from 'dayjs';
import 'dayjs/locale/zh-cn';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';

import { useI18n } from '../i18n';

export type Mode = 'auto' | 'light' | 'dark';
const STORED = 'huiyin.theme';

interface Look {
  mode: Mode;
  setMode: (mode: Mode) => void;
  dark: boolean;
}

const Context = createContext<Look>({ mode: 'auto', setMode: () => undefined, dark: false });

export const useLook = () => useContext(Context);

export function ThemeProvider({ children }: { children: ReactNode }) {
  const { lang } = useI18n();
  const [mode, setMode] = useState<Mode>(() => {
    const stored = localStorage.getItem(STORED);
    return stored === 'light' || stored === 'dark' ? stored : 'auto';
  });
  const system = useMemo(() => window.matchMedia('(prefers-color-scheme: dark)'), []);
  const [systemDark, setSystemDark] = useState(system.matches);
  useEffect(() => {
    const heard = (event: MediaQueryListEvent) => setSystemDark(event.matches);
    system.addEventListener('change', heard);
    return () => system.removeEventListener('change', heard);
  }, [system]);
  const dark = mode === 'dark' || (mode === 'auto' && systemDark);
  useEffect(() => {
    localStorage.setItem(STORED, mode);
    document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
    document.documentElement.dataset['look'] = dark ? 'dark' : 'light';
  }, [mode, dark]);
  useEffect(() => void dayjs.locale(lang === 'zh' ? 'zh-cn' : 'en'), [lang]);
  const look = useMemo(() => ({ mode, setMode, dark }), [mode, dark]);
  return (
    <Context.Provider value={look}>
      <ConfigProvider
        locale={lang === 'zh' ? zhCN : enUS}
        button={{ autoInsertSpace: false }}
        theme={{
          algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
          token: {
            colorPrimary: dark ? '#12806d' : '#0b6e5f',
            colorLink: dark ? '#4cc3ae' : '#0b6e5f',
            colorTextSecondary: dark ? 'rgba(255,255,255,0.72)' : 'rgba(0,0,0,0.66)',
            colorTextTertiary: dark ? 'rgba(255,255,255,0.66)' : 'rgba(0,0,0,0.60)',
            colorTextDescription: dark ? 'rgba(255,255,255,0.72)' : 'rgba(0,0,0,0.66)',
            colorTextPlaceholder: dark ? 'rgba(255,255,255,0.60)' : 'rgba(0,0,0,0.60)',
            colorErrorText: dark ? '#ff7875' : '#cf1322',
            colorWarningText: dark ? '#ffc069' : '#ad4e00',
            colorError: dark ? '#ff7072' : '#cf1322',
            borderRadius: 6,
            fontFamily: 'inherit',
          },
          components: {
            Tabs: dark ? { itemSelectedColor: '#6fd6c3', inkBarColor: '#4cc3ae', itemHoverColor: '#8fe0d0' } : {},
            Menu: dark
              ? { itemSelectedBg: '#163d36', itemSelectedColor: '#6fd6c3', itemActiveBg: '#1b2b28' }
              : { itemSelectedBg: '#e0f2ee', itemSelectedColor: '#0b5d50', itemActiveBg: '#eef6f4' },
          },
        }}
      >
        <AntApp style={{ minHeight: '100%' }}>{children}</AntApp>
      </ConfigProvider>
    </Context.Provider>
  );
}
