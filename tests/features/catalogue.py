"""The feature catalogue's rows as a table: key, and where each column that a row names is in the library.

Written by hand from the catalogue. `word=feature.output` is a column; `word=module:name` a part of the engine that is
no column of bars (of quotes, of books, of a window as an array). Several of ours for one of theirs are joined by `+`.
"""

from __future__ import annotations

ROWS: dict[int, tuple[str, str]] = {
    # section 2: cleaning and signals
    8: ("denoise", "y=denoise.denoise residual=denoise.residual"),
    9: ("smooth", "y=smooth.smooth any_average=ma.ma"),
    10: ("blend", "blended=blend.blend w_1=blend.weight_a w_2=blend.weight_b w_3=blend.weight_c w_4=blend.weight_d "
         "w_5=blend.weight_e w_6=blend.weight_f w_7=blend.weight_g w_8=blend.weight_h builder=weights:hedged"),
    11: ("decompose", "d1=decompose.detail1 d2=decompose.detail2 d3=decompose.detail3 d4=decompose.detail4 "
         "aJ=decompose.trend power_k=decompose_cycle.power dominant_period=decompose_cycle.cycle"),
    12: ("zscore", "z=zscore.zscore z_ew=zscore_ew.zscore_ew z_expanding=zscore_all.zscore_all"),
    13: ("rvol", "rvol=rvol.rvol rvol_slot=rvol_slot.rvol_slot"),
    14: ("tags", "bits=tags.tags run=tags.run inside=tags.inside outside=tags.outside NR4=tags.narrow4 "
         "NR7=tags.narrow7 WR7=tags.wide7 pin=tags.pin engulf=tags.engulf doji=tags.doji gap=tags.gap "
         "key_reversal=tags.key_reversal three_bar_reversal=tags.three_bar close_quartile=tags.quarter"),
    15: ("phase", "stage=phase.phase bars_in_stage=phase.bars"),
    16: ("events", "minutes_to_next=events.minutes_to_next minutes_since_last=events.minutes_since_last "
         "importance=events.importance in_window=events.in_window count_24h=events.count_24h calendar=calendars:news"),
    17: ("impact", "impact=impact.impact+impact_known.impact abs_impact=impact.abs_impact+impact_known.abs_impact"),
    18: ("context", "session=context.london+context.newyork phase=context.stage regime=context.trend "
         "vol_regime=context.quiet spread_percentile=context.cost event=context.event day_position=context.day "
         "structure_bias=context.structure schema_id=spec:Spec.identity"),
    19: ("anomaly", "score_mahalanobis=anomaly.anomaly flag=anomaly.flag score_trees=anomaly_trees.anomaly_trees "
         "flag_trees=anomaly_trees.flag"),
    20: ("drift", "state=drift.drift width=drift.width estimate=drift.estimate DDM=ddm.ddm ADWIN=drift.drift "
         "HDDM_A=hddm_a.hddm_a HDDM_W=hddm_w.hddm_w EDDM=eddm.eddm"),
    # section 3: features
    24: ("momentum", "m_1=momentum_spans.m1 m_5=momentum_spans.m5 m_10=momentum_spans.m10 m_20=momentum_spans.m20 "
         "m_60=momentum_spans.m60 m_120=momentum_spans.m120 m_k=momentum.momentum vol_scaled=momentum.scaled "
         "acceleration=momentum.acceleration tsmom=momentum.tsmom"),
    25: ("strength", "adx=strength.adx plus_di=strength.plus_di minus_di=strength.minus_di "
         "aroon=strength.aroon_up+strength.aroon_down vhf=strength.vhf er=strength.er r2=strength.r2 "
         "t_stat=strength.t_stat choppiness=strength.choppiness hurst=strength_hurst.strength_hurst"),
    26: ("bands", "up=bands.upper mid=bands.middle lo=bands.lower pctb=bands.pctb width=bands.width "
         "squeeze=bands.squeeze"),
    27: ("spread", "ratio=spread.ratio log_ratio=spread.log_ratio beta=spread.beta spread=spread.gap z=spread.z "
         "half_life=spread.half_life points=spread_cost.points bps=spread_cost.bps atr=spread_cost.atrs"),
    28: ("cycle_strength", "strength=cycle_strength.cycle_strength period=cycle_strength.period "
         "snr=cycle_strength_snr.cycle_strength_snr"),
    29: ("place", "in_range=place.place percent_rank=place_rank.place_rank pctb=place_band.place_band "
         "today=place_day.today yesterday=place_day.yesterday week=place_day.week "
         "prior_day=place_day.day_high+place_day.day_low prior_week=place_day.week_high+place_day.week_low "
         "round_number=place_day.round_number"),
    30: ("density", "density=density.density percentile=density.percentile above=density.above below=density.below "
         "entropy=density.entropy"),
    31: ("micro", "spread_mid_microprice_sign_interarrival_ofi=ticks:micro_ticks signed_volume=micro.signed "
         "roll=micro.roll corwin_schultz=micro.corwin abdi_ranaldo=micro.abdi edge=micro.edge amihud=micro.amihud "
         "kyle=micro.kyle vpin=micro_vpin.micro_vpin realised_variance=micro.variance bipower=micro.bipower "
         "jump_share=micro.jump"),
    32: ("depth", "size_imbalance_slope_cost_gap_ofi=books:depth"),
    33: ("clock", "sin_day=clock.day_sin cos_day=clock.day_cos sin_week=clock.week_sin cos_week=clock.week_cos "
         "month_day=clock.month_day month_end=clock.month_end quarter_end=clock.quarter_end "
         "third_friday=clock.third_friday"),
    34: ("session", "active_bits=session_bits.sessions minutes_since_open=session.minutes "
         "minutes_to_close=session.left open=session.first high_so_far=session.top low_so_far=session.bottom "
         "range_atr=session_reach.session_reach prior_high=session.last_top prior_low=session.last_bottom "
         "prior_close=session.last_close overlap=session_bits.overlap kill_zone=session_bits.kill"),
    35: ("bias", "score=bias.score tag=bias.tag agreement=bias.agreement"),
    36: ("spike", "flags=spike.spike ratio=spike.widening+spike.shock+spike.jump bars_since=spike.since"),
    37: ("cycle_phase", "phase=cycle_phase.cycle_phase sin=cycle_phase.sin cos=cycle_phase.cos "
         "leadsine=cycle_phase.lead period=cycle_phase.period trend_mode=cycle_phase.mode"),
    38: ("regime", "regime=regime.regime dwell=regime.bars p=regime_hmm.regime_hmm cusum=regime_cusum.regime_cusum"),
    39: ("vol_regime", "tag=vol_regime.vol_regime percentile=vol_regime.percentile"),
    40: ("mtf", "value=spec:on age=formulas:age live=forming:Forming provisional=plan:Plan"),
    41: ("lag", "lag=lag.lag difference=mom.mom log_ratio=log_return.log_return"),
    42: ("roll", "sum=roll.sum mean=roll.mean var=roll.var std=roll.std min=roll.min max=roll.max argmin=roll.argmin "
         "argmax=roll.argmax median=roll.median quantile=roll_quantile.roll_quantile mad=roll.mad skew=roll.skew "
         "kurt=roll.kurt rank=roll.rank corr=roll_cov.corr cov=roll_cov.cov beta=roll_cov.beta autocorr=roll.autocorr "
         "entropy=roll.entropy permutation_entropy=roll.permutation"),
    43: ("flow", "up_volume=flow.up down_volume=flow.down delta=flow.delta cumulative_delta=flow.cumulative "
         "ticks_up_ticks_down_ticks_max_trade_vwap=ticks:tick_flow"),
    44: ("window", "array=slices:Slices.view mask=slices:Slices.mask whole_history=slices:windows "
         "normalised=slices:normalised"),
    45: ("aggregate", "mean=aggregate.mean sum=aggregate.sum min=aggregate.min max=aggregate.max vote=aggregate.vote "
         "missing=aggregate.missing score=aggregate.score loadings=fused:principal schema_hash=plan:Plan"),
    46: ("compare", "distance=compare.distance age=compare.age rank=compare.rank "
         "templates=shaped.nearest+shaped.distance another=likeness.likeness"),
    47: ("candles", "list_of_hits=fused:hits"),
    48: ("shape", "body=shape.body upper=shape.upper lower=shape.lower clv=shape.place range_atr=shape.reach "
         "gap_atr=shape.gap body_average=shape.size colour_run=shape.color "
         "heikin_ashi=heikin_ashi.ha_open+heikin_ashi.ha_high+heikin_ashi.ha_low+heikin_ashi.ha_close"),
    49: ("code", "sax=code.sax ordinal=code.ordinal permutation_entropy=code.entropy token=code.token"),
    50: ("clusters", "above=clusters.above below=clusters.below weight=clusters.above_weight+clusters.below_weight "
         "count=clusters.above_count+clusters.below_count"),
    51: ("embed", "hashed=embed.embed delay=takens.now+takens.before+takens.earlier components=fused:principal"),
    52: ("features", "spec=sets:feature_set plan=plan:Plan batch_and_stream=plan:Bound.extend peek=plan:Bound.peek"),
    53: ("scale", "robust_minmax_gauss_tanh=scale.scale z=zscore.zscore ew=zscore_ew.zscore_ew "
         "expanding=zscore_all.zscore_all log1p=transform.transform winsor=winsor.winsor frozen=frozen.frozen "
         "fit=scaling:fit"),
    56: ("when", "gap=when.gap day=when.day_sin+when.day_cos week=when.week_sin+when.week_cos "
         "year=when.year_sin+when.year_cos position=when_position.sin0+when_position.cos0+"
         "when_position.sin1+when_position.cos1+when_position.sin2+when_position.cos2+when_position.sin3+"
         "when_position.cos3 since_event=when_since.when_since "
         "since_session=when_session.when_session since_swing=when_swing.when_swing"),
    57: ("identity", "id=spec:Spec.identity hash=identity:digest refuses=plan:Bound.restore"),
    # section 4: the two indicators of this part
    74: ("ichimoku", "tenkan=ichimoku.tenkan kijun=ichimoku.kijun a=ichimoku.a b=ichimoku.b future_a=ichimoku.future_a "
         "future_b=ichimoku.future_b cloud_side=ichimoku_signals.cloud "
         "twist=ichimoku_signals.twist tk_cross=ichimoku_signals.cross price_against_cloud=ichimoku_signals.side "
         "chikou=ichimoku_signals.chikou"),
    75: ("supertrend", "line=supertrend.supertrend dir=supertrend.side flip=supertrend.flip"),
}  # fmt: skip
"""Rows 8 to 20, 24 to 53, 56, 57, 74 and 75; 23 is the two appendices below."""

OWN_NAMES = {
    "ma": "9: every average has the name it is known by",
    "ddm": "20: a detector of its own", "eddm": "20: a detector of its own", "hddm_a": "20: a detector of its own",
    "hddm_w": "20: a detector of its own",
    "mom": "41: TA-Lib's name for a difference", "log_return": "41: as everybody calls it",
    "heikin_ashi": "48: bars that are plotted by their own name",
    "shaped": "46: of templates", "likeness": "46: of another symbol",
    "takens": "51: the vector that bears his name",
    "zscore": "53: a key of its own, row 12", "zscore_ew": "53: a key of its own, row 12",
    "zscore_all": "53: a key of its own, row 12", "transform": "53: log1p(x), a function of a column",
    "winsor": "53: a price, not a scale", "frozen": "53: what fit gives",
}  # fmt: skip
"""Features that serve a row under another name than its key: the row, and why."""

DIFFERS = {
    "13 rvol.rvol_slot": "a minute of the week comes once a week: the mean of 20 is one of weeks, not of days",
    "46 compare.distance": "the past it looks through is the last `period` bars: all of it would cost more every bar",
}
"""Where ours means something a little else under the same word."""

TALIB = """
SMA=sma.sma EMA=ema.ema RMA=rma.rma WMA=wma.wma DEMA=dema.dema TEMA=tema.tema TRIMA=trima.trima T3=t3.t3 KAMA=kama.kama
HMA=hma.hma ZLEMA=zlema.zlema VWMA=vwma.vwma MAVP=mavp.mavp MA=ma.ma MAMA=mama.mama+mama.fama
HT_DCPERIOD=ht_dcperiod.ht_dcperiod HT_PHASOR=ht_phasor.inphase+ht_phasor.quadrature HT_DCPHASE=ht_dcphase.ht_dcphase
HT_SINE=ht_sine.sine+ht_sine.lead HT_TRENDLINE=ht_trendline.ht_trendline HT_TRENDMODE=ht_trendmode.ht_trendmode
MIDPOINT=midpoint.midpoint MIDPRICE=midprice.midprice BBANDS=bollinger.upper+bollinger.middle+bollinger.lower
ACCBANDS=accbands.upper+accbands.middle+accbands.lower DONCHIAN=donchian.upper+donchian.middle+donchian.lower
KC=keltner.upper+keltner.middle+keltner.lower SAR=sar.sar SAREXT=sarext.sarext
SUPERTREND=supertrend.supertrend+supertrend.side MACD=macd.macd+macd.signal+macd.histogram
MACDFIX=macdfix.macdfix+macdfix.signal+macdfix.histogram MACDEXT=macdext.macdext+macdext.signal+macdext.histogram
APO=apo.apo PPO=ppo.ppo PVO=pvo.pvo RSI=rsi.rsi CMO=cmo.cmo CMOU=cmou.cmou STOCHRSI=stochrsi.k+stochrsi.d
STOCHF=stochf.k+stochf.d STOCH=stochastic.k+stochastic.d KDJ=kdj.k+kdj.d+kdj.j WILLR=willr.willr CCI=cci.cci MOM=mom.mom
ROC=roc.roc ROCP=rocp.rocp ROCR=rocr.rocr ROCR100=rocr100.rocr100 TRIX=trix.trix TSI=tsi.tsi SMI=smi.smi+smi.signal
AO=ao.ao AC=ac.ac BOP=bop.bop IMI=imi.imi AROON=aroon.aroon_down+aroon.aroon_up AROONOSC=aroon.aroon_oscillator
PLUS_DM=dm.plus_dm MINUS_DM=dm.minus_dm PLUS_DI=adx.plus_di MINUS_DI=adx.minus_di DX=dx.dx ADX=adx.adx ADXR=adxr.adxr
VORTEX=vortex.plus_vi+vortex.minus_vi ULTOSC=ultosc.ultosc MFI=mfi.mfi ER=er.er VHF=vhf.vhf DPO=dpo.dpo
COPPOCK=coppock.coppock ERI=eri.bull+eri.bear FOSC=fosc.fosc QSTICK=qstick.qstick
FRACTAL=fractal.fractal_up+fractal.fractal_down LINEARREG=linearreg.linearreg LINEARREG_SLOPE=linearreg.slope
LINEARREG_INTERCEPT=linearreg.intercept LINEARREG_ANGLE=linearreg.angle TSF=linearreg.forecast STDDEV=stddev.stddev
VAR=variance.variance AVGDEV=avgdev.avgdev CORREL=correl.correl BETA=beta.beta PERCENTILE=percentile.percentile
PERCENTRANK=percentrank.percentrank TRANGE=trange.trange ATR=atr.atr NATR=natr.natr ADR=adr.adr CVI=cvi.cvi
MASSI=massi.massi RVI=rvi.rvi AD=ad.ad ADOSC=adosc.adosc CMF=cmf.cmf EFI=efi.efi MARKETFI=marketfi.marketfi OBV=obv.obv
PVT=pvt.pvt NVI=nvi.nvi PVI=pvi.pvi WAD=wad.wad RVOL=rvol.rvol VWAP=vwap.vwap
HA=heikin_ashi.ha_open+heikin_ashi.ha_high+heikin_ashi.ha_low+heikin_ashi.ha_close AVGPRICE=avgprice.avgprice
MEDPRICE=medprice.medprice TYPPRICE=typprice.typprice WCLPRICE=wclprice.wclprice
"""
"""Appendix A1: the 113 functions of TA-Lib 0.8.2 that are neither candles nor arithmetic."""

EXTRAS = """
ALMA=alma.alma VIDYA=vidya.vidya FRAMA=frama.frama McGinley=mcginley.mcginley LSMA=linearreg.linearreg
SuperSmoother=supersmoother.supersmoother Decycler=decycler.decycler Roofing=roofing.roofing
Laguerre_RSI=laguerre_rsi.laguerre_rsi Fisher=fisher.fisher+fisher.trigger Inverse_Fisher_RSI=ifisher_rsi.ifisher_rsi
CG=cg.cg EBSW=ebsw.ebsw ConnorsRSI=connors_rsi.connors_rsi QQE=qqe.qqe+qqe.line+qqe.side STC=stc.stc
KST=kst.kst+kst.signal Chaikin_oscillator=adosc.adosc Klinger=klinger.klinger+klinger.signal EOM=eom.eom
VWMACD=vwmacd.vwmacd+vwmacd.signal+vwmacd.histogram VZO=vzo.vzo VFI=vfi.vfi Twiggs_MF=twiggs.twiggs
Choppiness=choppiness.choppiness Ulcer_index=ulcer.ulcer Historical_volatility=hvol.hvol Parkinson=parkinson.parkinson
Garman_Klass=garman_klass.garman_klass Rogers_Satchell=rogers_satchell.rogers_satchell Yang_Zhang=yang_zhang.yang_zhang
Chandelier_exit=chandelier.long+chandelier.short Chande_Kroll_stop=chande_kroll.long+chande_kroll.short
ATR_trailing_stop=atr_stop.atr_stop+atr_stop.side PMax=pmax.pmax+pmax.side HiLo_activator=hilo.hilo+hilo.side
Squeeze_momentum=squeeze.squeeze+squeeze.momentum WaveTrend=wavetrend.wavetrend+wavetrend.signal
TD_setup=td_sequential.setup TD_countdown=td_sequential.countdown+td_sequential.perfect
TDST=td_sequential.resistance+td_sequential.support
Vigor_index=vigor.vigor+vigor.signal DeMarker=demarker.demarker Alligator=alligator.jaw+alligator.teeth+alligator.lips
Gator=gator.gator_upper+gator.gator_lower BW_MFI=bwmfi.bwmfi+bwmfi.color OsMA=osma.osma
Envelopes=envelopes.upper+envelopes.middle+envelopes.lower Momentum_MT5=rocr100.rocr100 Bears=eri.bear Bulls=eri.bull
Psychological_line=psy.psy BRAR=brar.ar+brar.br Bias=bias_ratio.bias_ratio CTI=cti.cti RSX=rsx.rsx PGO=pgo.pgo
Elder_impulse=impulse.impulse Elder_thermometer=thermometer.thermometer+thermometer.usual TII=tii.tii RMI=rmi.rmi
DYMI=dymi.dymi Acceleration=acceleration.acceleration Jerk=acceleration.jerk Half_life=half_life.half_life
Variance_ratio=variance_ratio.vr2+variance_ratio.vr4+variance_ratio.vr8 ADF=half_life.adf KPSS=kpss.kpss FFD=ffd.ffd
"""
"""Appendix A2: what users ask for that TA-Lib 0.8.2 does not have."""

CANDLES = """
2crows 3blackcrows 3inside 3linestrike 3outside 3starsinsouth 3whitesoldiers abandonedbaby advanceblock belthold
breakaway closingmarubozu concealbabyswall counterattack darkcloudcover doji dojistar dragonflydoji engulfing
eveningdojistar eveningstar gapsidesidewhite gravestonedoji hammer hangingman harami haramicross highwave hikkake
hikkakemod homingpigeon identical3crows inneck invertedhammer kicking kickingbylength ladderbottom longleggeddoji
longline marubozu matchinglow mathold morningdojistar morningstar onneck piercing rickshawman risefall3methods
separatinglines shootingstar shortline spinningtop stalledpattern sticksandwich takuri tasukigap thrusting tristar
unique3river upsidegap2crows xsidegap3methods
"""
"""Appendix B: the 61 patterns of row 47, under TA-Lib's names: `cdl_2crows`."""


def columns(words: str) -> dict[str, tuple[str, ...]]:
    """What a row names, and ours for each: `x=a.b+a.c y=m:f` as {"x": ("a.b", "a.c"), "y": ("m:f",)}."""
    pairs = (word.split("=") for word in words.split())
    return {theirs: tuple(ours.split("+")) for theirs, ours in pairs}


def served() -> dict[str, tuple[str, ...]]:
    """Everything the catalogue names, each with ours: `42 roll.sum` of a row, `A1 SMA`, `A2 ALMA`, `B hammer`."""
    rows = ((row, key, columns(words)) for row, (key, words) in ROWS.items())
    made = {f"{row} {key}.{theirs}": ours for row, key, named in rows for theirs, ours in named.items()}
    made |= {f"A1 {theirs}": ours for theirs, ours in columns(TALIB).items()}
    made |= {f"A2 {theirs}": ours for theirs, ours in columns(EXTRAS).items()}
    return made | {f"B {name}": (f"cdl_{name}.cdl_{name}",) for name in CANDLES.split()}
