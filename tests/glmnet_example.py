"""What glmnet prints for a lasso on R's `mtcars`: horsepower from mpg, wt, drat and qsec.

The data are Motor Trend's of 1974 (Henderson and Velleman, "Building multiple regression models interactively",
Biometrics 37, 1981). The coefficients are glmnet 4.1's, as a lesson of the Copenhagen University Library prints them
("lasso-regularisation", an R Markdown file with its output); the second set is also at
https://www.statology.org/lasso-regression-in-r/.
"""

# hp, mpg, wt, drat, qsec
_CARS = """
110 21.0 2.620 3.90 16.46   110 21.0 2.875 3.90 17.02    93 22.8 2.320 3.85 18.61   110 21.4 3.215 3.08 19.44
175 18.7 3.440 3.15 17.02   105 18.1 3.460 2.76 20.22   245 14.3 3.570 3.21 15.84    62 24.4 3.190 3.69 20.00
 95 22.8 3.150 3.92 22.90   123 19.2 3.440 3.92 18.30   123 17.8 3.440 3.92 18.90   180 16.4 4.070 3.07 17.40
180 17.3 3.730 3.07 17.60   180 15.2 3.780 3.07 18.00   205 10.4 5.250 2.93 17.98   215 10.4 5.424 3.00 17.82
230 14.7 5.345 3.23 17.42    66 32.4 2.200 4.08 19.47    52 30.4 1.615 4.93 18.52    65 33.9 1.835 4.22 19.90
 97 21.5 2.465 3.70 20.01   150 15.5 3.520 2.76 16.87   150 15.2 3.435 3.15 17.30   245 13.3 3.840 3.73 15.41
175 19.2 3.845 3.08 17.05    66 27.3 1.935 4.08 18.90    91 26.0 2.140 4.43 16.70   113 30.4 1.513 3.77 16.90
264 15.8 3.170 4.22 14.50   175 19.7 2.770 3.62 15.50   335 15.0 3.570 3.54 14.60   109 21.4 2.780 4.11 18.60
"""
_ROWS = [list(map(float, _CARS.split()[i : i + 5])) for i in range(0, len(_CARS.split()), 5)]
HP = [row[0] for row in _ROWS]
X = [row[1:] for row in _ROWS]

# lambda: intercept, mpg, wt, drat, qsec
COEFS = {
    1.5: (488.868159, -2.851152, 22.951695, 0.0, -20.098919),
    2.668219: (484.20742, -2.95796, 21.37988, 0.0, -19.43425),
}
